/** @file A sweep: how far it is, what came of it, what it searches, and its trials. Follows one that goes on. */
import { runKey } from '../../../track/run-key.ts'
import type { Trial } from '../../../track/sweep-journal.ts'
import { visibleLine } from '../../../util/visible.ts'
import type { SweepDetail, SweepRow } from '../../shared/wire.ts'
import { seconds, short, when } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { useAnswer } from '../parts/use-answer.ts'
import { useWidth } from '../parts/use-width.ts'
import { overview, rows, source, sweeps } from '../state/runs.ts'
import { change, view } from '../state/view.ts'
import { History } from './history.tsx'
import { SpaceTable } from './space-table.tsx'
import { TrialTable } from './trial-table.tsx'
import { paramsText, ranked, reasonsOf, STATUSES } from './trials.ts'
import './sweep-view.css'

/** Pixels that the frame of a section takes. */
const FRAME = 26

export function SweepView() {
  const list = sweeps.value
  const row = list.find(({ folder }) => runKey(folder) === view.value.sweep) ?? list[0]
  const key = row ? runKey(row.folder) : ''
  const readable = row !== undefined && row.status !== 'unreadable'
  const { value, error } = useAnswer(readable ? `${key} ${row.version}` : '', () => source.value.sweep(key))
  const [box, width] = useWidth<HTMLDivElement>()
  const sweep = value?.folder === row?.folder ? value : undefined
  return (
    <div class="sweep" ref={box}>
      {!row && (
        <p class="empty">
          No sweep here. <code>medtune sweep sweep.yaml</code> starts one.
        </p>
      )}
      {row && <Head row={row} sweep={sweep} list={list} />}
      {error !== '' && <p role="alert">{error}</p>}
      {sweep && <Parts sweep={sweep} width={width - FRAME} />}
    </div>
  )
}

function Parts({ sweep, width }: { readonly sweep: SweepDetail; readonly width: number }) {
  const best = ranked(sweep)[0]
  const keys = new Map(
    rows.value.filter((row) => row.sweep === sweep.id).map((row) => [row.trial, runKey(row.id)]),
  )
  const onOpen = (trial: Trial): (() => void) | undefined => {
    const run = keys.get(trial.id)
    return run === undefined ? undefined : () => change({ tab: 'run', run })
  }
  const failures = reasonsOf(sweep.trials)
  return (
    <>
      {failures.length > 0 && (
        <ul class="problems">
          {failures.slice(0, 3).map(({ reason, trials }) => (
            <li key={reason}>
              {trials.length} failed: <Line text={reason.slice(0, 400)} />
            </li>
          ))}
          {failures.length > 3 && <li>and {failures.length - 3} other reasons, in the table</li>}
        </ul>
      )}
      <section>
        <header>
          <h2>History</h2>
          <ul class="shapes">
            <li class="best">best so far</li>
            <li class="done">done</li>
            <li class="pruned">ended early; beyond the axis at its edge</li>
            <li class="failed">failed</li>
          </ul>
        </header>
        {width > 0 && <History sweep={sweep} width={width} onOpen={onOpen} />}
      </section>
      <SpaceTable sweep={sweep} best={best?.params} />
      <TrialTable sweep={sweep} best={best} onOpen={onOpen} />
    </>
  )
}

interface HeadProps {
  readonly row: SweepRow
  readonly sweep: SweepDetail | undefined
  readonly list: readonly SweepRow[]
}

/** Statuses of a sweep in words. */
const WORDS: Readonly<Record<string, string>> = { crashed: 'interrupted: nobody runs it' }

function Head({ row, sweep, list }: HeadProps) {
  const { counts, of, status } = row
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const best = sweep && ranked(sweep)[0]
  return (
    <section>
      <header>
        <h2>
          <Line text={row.name} />
        </h2>
        <span class={`status ${status}`}>{WORDS[status] ?? status}</span>
        {list.length > 1 && (
          <label>
            <span class="hidden">Which sweep</span>
            <select
              value={runKey(row.folder)}
              onChange={(event) => change({ sweep: event.currentTarget.value })}
            >
              {list.map(({ folder, name, started }) => (
                <option key={folder} value={runKey(folder)}>
                  {visibleLine(name).slice(0, 60)}, {when(started)}
                </option>
              ))}
            </select>
          </label>
        )}
        {row.id !== '' && (
          <button type="button" onClick={() => change({ filter: `sweep = ${row.id}`, runs: null })}>
            Only its runs
          </button>
        )}
      </header>
      {sweep && (
        <p class="note">
          <Line text={sweep.metric.name} />, {sweep.metric.goal} · {sweep.method}
          {sweep.pruner !== 'none' && ` · ended early by ${sweep.pruner}`} · began {when(row.started)} · took{' '}
          {seconds(sweep.spent)}
        </p>
      )}
      <div class="standing-bar" aria-hidden="true">
        {STATUSES.filter((one) => one !== 'waiting').map((one) => (
          <i
            key={one}
            class={one}
            style={{ width: `${(100 * counts[one]) / Math.max(1, of ?? total, total)}%` }}
          />
        ))}
      </div>
      <p role="status">
        {total}
        {of !== undefined && of !== total ? ` of ${of}` : ''} trials:{' '}
        {STATUSES.filter((one) => counts[one] > 0)
          .map((one) => `${counts[one]} ${one}`)
          .join(', ')}
        {row.reason && status !== 'running' && (
          <>
            {' '}
            (<Line text={row.reason} />)
          </>
        )}
      </p>
      {best && (
        <p class="winner">
          Best: <b>{short(best.value!)}</b> by trial {best.index},{' '}
          <Line text={paramsText(best.params, sweep.space)} />
        </p>
      )}
      <Command row={row} ended={best !== undefined} />
    </section>
  )
}

/** What to type next. */
function Command({ row, ended }: { readonly row: SweepRow; readonly ended: boolean }) {
  const place = [overview.value!.title, row.folder].filter((part) => part !== '').join('/')
  if (row.status === 'crashed' || row.status === 'stopped')
    return (
      <p class="note">
        Go on with <code>medtune sweep resume {place}</code>
      </p>
    )
  if (row.status !== 'done' || !ended) return null
  return (
    <p class="note">
      The winner as a recipe:{' '}
      <code>
        medtune sweep best {place} <span class="fits">--write best.yaml</span>
      </code>
    </p>
  )
}
