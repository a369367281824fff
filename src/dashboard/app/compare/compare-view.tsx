/** @file Why the drawn runs differ: settings, data, versions, and what came of it against the first of them. */
import type { Comparison, DiffRow } from '../../../track/compare/compare.ts'
import { runKey } from '../../../track/run-key.ts'
import { visibleLine } from '../../../util/visible.ts'
import { figure, label } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { useAnswer } from '../parts/use-answer.ts'
import { compared, nameAt, rowOf, source } from '../state/runs.ts'
import { Badge, letter } from './badge.tsx'
import { EvalSection } from './evaluation.tsx'
import '../parts/table.css'
import './compare-view.css'

/** More columns cannot be read. */
const MOST = 20

export function CompareView() {
  const keys = compared.value.slice(0, MOST)
  // What a run has come to changes its comparison.
  const state = keys.map((key) => `${key}${rowOf(key)?.status}${rowOf(key)?.evals.length}`)
  const { value, error, waiting } = useAnswer(keys.length === 0 ? '' : state.join(), (signal) =>
    source.value.compare(keys, signal),
  )
  if (keys.length === 0) return <p class="empty">Draw runs in the table to compare them.</p>
  if (error !== '') return <p role="alert">{error}</p>
  if (!value) return <p class="empty">{waiting ? 'Comparing…' : ''}</p>
  return (
    <div class="compare" aria-busy={waiting}>
      <Legend comparison={value} />
      <Differences
        title="Settings that differ"
        rows={value.recipe.filter(({ key }) => key !== 'name')}
        empty="All settings are the same."
      />
      {value.evaluations.map((table) => (
        <EvalSection key={table.name} table={table} runs={value.runs} />
      ))}
      <Figures comparison={value} />
      <Differences title="Data that differ" rows={value.data} />
      <Differences title="Versions and code that differ" rows={value.versions} />
      <Differences title="Machines that differ" rows={value.machine} />
    </div>
  )
}

function Legend({ comparison: { runs } }: { readonly comparison: Comparison }) {
  return (
    <ol class="legend-runs">
      {runs.map(({ id, status, reason, problems }, i) => (
        <li key={id} title={visibleLine(id)}>
          <Badge index={i} /> <Line text={nameAt(runKey(id))} /> <small>{visibleLine(status)}</small>
          {i === 0 && <small class="note">baseline</small>}
          {[reason, ...problems].filter(Boolean).map((text) => (
            <small class="problem" key={text}>
              <Line text={text!} />
            </small>
          ))}
        </li>
      ))}
    </ol>
  )
}

function Differences({
  title,
  rows,
  empty,
}: {
  readonly title: string
  readonly rows: readonly DiffRow[]
  readonly empty?: string
}) {
  if (rows.length === 0) return empty === undefined ? null : <p class="empty">{empty}</p>
  return (
    <section>
      <h2>{title}</h2>
      <RunTableFrame count={rows[0]!.values.length}>
        {rows.map(({ key, values }) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            {values.map((value, i) => {
              const same = value === values[0]
              return (
                <td key={letter(i)} class={`${i > 0 && !same ? 'changed' : ''} ${fits(value) ? 'fits' : ''}`}>
                  {value === null ? <span class="nothing">not set</span> : <Line text={String(value)} />}
                </td>
              )
            })}
          </tr>
        ))}
      </RunTableFrame>
    </section>
  )
}

/** A value so short that it must not be broken. */
const fits = (value: unknown): boolean => String(value).length <= 24

function Figures({ comparison: { figures } }: { readonly comparison: Comparison }) {
  if (figures.length === 0) return null
  return (
    <section>
      <h2>Training</h2>
      <RunTableFrame count={figures[0]!.values.length}>
        {figures.map(({ key, values }) => (
          <tr key={key}>
            <th scope="row">{label(key)}</th>
            {values.map((value, i) => (
              <td key={letter(i)} class="number">
                {value === null ? '' : figure(key, Number(value))}
              </td>
            ))}
          </tr>
        ))}
      </RunTableFrame>
    </section>
  )
}

function RunTableFrame({
  count,
  children,
}: {
  readonly count: number
  readonly children: preact.ComponentChildren
}) {
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="table">
      <table class="plain">
        <thead>
          <tr>
            <td />
            {Array.from({ length: count }, (_, i) => (
              <th scope="col" key={letter(i)}>
                <Badge index={i} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
