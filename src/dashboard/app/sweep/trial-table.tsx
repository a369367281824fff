/** @file The trials of a sweep: how each stands, what it came to, with which values. */
import { useState } from 'preact/hooks'
import type { Trial } from '../../../track/sweep-journal.ts'
import { visibleLine } from '../../../util/visible.ts'
import type { SweepDetail } from '../../shared/wire.ts'
import { seconds } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { figureOf, inOrder, searched, valueText } from './trials.ts'
import '../parts/table.css'
import './tables.css'

/** Rows before the rest is asked for. */
const FIRST = 100
/** Characters of a note; the whole is its title. */
const LONGEST = 70

const SIGNS = { running: '●', done: '✓', pruned: '■', failed: '✕', waiting: '…' } as const

interface Props {
  readonly sweep: SweepDetail
  readonly best: Trial | undefined
  readonly onOpen: (trial: Trial) => (() => void) | undefined
}

export function TrialTable({ sweep, best, onOpen }: Props) {
  const [all, setAll] = useState(false)
  const paths = searched(sweep.space).map(({ path }) => path)
  const trials = inOrder(sweep)
  return (
    <section>
      <header>
        <h2>Trials</h2>
        <p>Those that run first, then the best. A number opens its run.</p>
      </header>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="trials">
        <table class="plain trials">
          <thead>
            <tr>
              <th scope="col">trial</th>
              <th scope="col">status</th>
              <th scope="col" class="number">
                <Line text={sweep.metric.name} />
              </th>
              {paths.map((path) => (
                <th scope="col" class="number" key={path} title={path}>
                  <Line text={path.slice(path.lastIndexOf('.') + 1)} />
                </th>
              ))}
              <th scope="col" class="number">
                time
              </th>
              <th scope="col">note</th>
            </tr>
          </thead>
          <tbody>
            {(all ? trials : trials.slice(0, FIRST)).map((trial) => (
              <tr key={trial.id} data-trial={trial.index} class={trial === best ? 'best' : ''}>
                <th scope="row">
                  <TrialName trial={trial} open={onOpen(trial)} />
                </th>
                <td>
                  <span class={`status ${trial.status}`}>
                    <span aria-hidden="true">{SIGNS[trial.status]}</span> {trial.status}
                  </span>
                </td>
                <td class="number">
                  {trial === best && <span aria-hidden="true">★ </span>}
                  {valueCell(trial)}
                </td>
                {paths.map((path) => (
                  <td class="number" key={path}>
                    {Object.hasOwn(trial.params, path) && (
                      <Line text={valueText(trial.params[path]).slice(0, 40)} />
                    )}
                  </td>
                ))}
                <td class="number">{trial.seconds === undefined ? '' : seconds(trial.seconds)}</td>
                <td class="text" title={visibleLine(noteOf(trial))}>
                  <Line text={cut(noteOf(trial))} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!all && trials.length > FIRST && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          show all {trials.length} trials
        </button>
      )}
    </section>
  )
}

function TrialName({ trial, open }: { readonly trial: Trial; readonly open: (() => void) | undefined }) {
  if (!open) return <span title={visibleLine(trial.id)}>{trial.index}</span>
  return (
    <button type="button" class="link" title={visibleLine(trial.id)} onClick={open}>
      {trial.index}
    </button>
  )
}

/** Of a trial that did not come to its end, what it had measured last. */
function valueCell(trial: Trial): string {
  const value = figureOf(trial)
  if (value === undefined) return ''
  // Finished ones lie close together.
  const text = String(Number(value.toPrecision(5)))
  return trial.status === 'done' ? text : `(${text})`
}

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)

function noteOf({ status, reports, reason, attempt }: Trial): string {
  const last = reports.at(-1)
  return [
    attempt > 1 ? `attempt ${attempt}` : '',
    (status === 'running' || status === 'pruned') && last ? `at step ${last.step}` : '',
    status === 'done' || status === 'running' ? '' : (reason ?? ''),
  ]
    .filter((part) => part !== '')
    .join('; ')
}
