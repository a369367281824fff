/** @file One evaluation of several runs: intervals as bars, and the paired difference to the first run. */
import type { Comparison } from '../../../track/compare/compare.ts'
import {
  type EvalCell,
  type EvalDifference,
  type EvalTable,
  gapOf,
} from '../../../track/compare/evaluations.ts'
import { figure, short } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { change } from '../state/view.ts'
import { Badge, colorAt } from './badge.tsx'
import { OutcomeBar } from './outcome-bar.tsx'
import '../parts/figure.css'
import '../parts/table.css'
import './evaluation.css'

interface Props {
  readonly table: EvalTable
  readonly runs: Comparison['runs']
}

export function EvalSection({ table, runs }: Props) {
  const { name, metric, better, base, tuned, difference, remarks } = table
  const scale = axisOf([...base, ...tuned])
  const field = `eval.${name}.${metric}`
  const counts = new Set(tuned.flatMap((cell) => cell?.n ?? []))
  const items = counts.size === 0 ? '' : `, ${[...counts].join(' or ')} items`
  return (
    <section class="evaluation">
      <h2>
        <Line text={name} />
        <small>
          {metric}, {better} is better{items}
        </small>
        {counts.size > 0 && (
          <button type="button" class="link" onClick={() => change({ tab: 'samples', evaluation: name })}>
            answers<span class="hidden"> of {name}</span>
          </button>
        )}
      </h2>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="table">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">run</th>
              <th scope="col">base ○ tuned ●, 95 %</th>
              <th scope="col" class="number">
                tuned
              </th>
              <th scope="col" class="number">
                against A
              </th>
              <th scope="col" class="number" title="Holm's correction for all runs that are compared with A">
                p, Holm
              </th>
              <th scope="col">verdict</th>
              <th scope="col">won, tied, lost</th>
            </tr>
          </thead>
          <tbody>
            {runs.map(({ id }, i) => (
              <tr key={id}>
                <th scope="row">
                  <Badge index={i} />
                </th>
                <td>
                  <Interval base={base[i] ?? null} tuned={tuned[i] ?? null} at={scale} color={colorAt(i)} />
                </td>
                <td class="number">
                  <Value field={field} cell={tuned[i] ?? null} />
                </td>
                <Against
                  field={field}
                  found={difference[i] ?? null}
                  gap={gapOf(table, i)}
                  why={remarks[i]?.join('; ') || 'only figures were recorded, so chance is not told'}
                />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {remarks.map((list, i) =>
        list.map((remark) => (
          <p class="note" key={`${i} ${remark}`}>
            <Badge index={i} /> {remark}
          </p>
        )),
      )}
    </section>
  )
}

function Value({ field, cell }: { readonly field: string; readonly cell: EvalCell | null }) {
  if (!cell) return <span class="nothing">none</span>
  const ends = cell.ci95?.map((end) => figure(field, end).replace(' %', '')).join(' to ')
  return (
    <span title={ends && `95 %: ${ends}`}>
      {figure(field, cell.value)}
      {ends && <span class="hidden">, from {ends}</span>}
    </span>
  )
}

interface AgainstProps {
  readonly field: string
  readonly found: EvalDifference | null
  /** The difference of the figures alone. */
  readonly gap: number | undefined
  /** Why there is no more than that. */
  readonly why: string
}

function Against({ field, found, gap, why }: AgainstProps) {
  if (!found) {
    return (
      <>
        <td class="number" title={why}>
          {gap !== undefined && `${gap >= 0 ? '+' : ''}${figure(field, gap).replace(' %', '')}`}
        </td>
        <td />
        <td />
        <td />
      </>
    )
  }
  const { value, ci95, mde, p_holm, wins, ties, losses, verdict } = found
  const plain = (number: number): string => figure(field, number).replace(' %', '')
  return (
    <>
      <td
        class="number"
        title={
          Number.isFinite(mde) ? `so many items would show a true difference of ${plain(mde)}` : undefined
        }
      >
        {value >= 0 ? '+' : ''}
        {plain(value)} <small>[{ci95.map(plain).join(', ')}]</small>
      </td>
      <td class="number">{p_holm < 0.001 ? '< 0.001' : short(p_holm)}</td>
      <td class={`verdict ${verdict === 'no difference shown' ? '' : verdict}`}>{verdict}</td>
      <td>
        <OutcomeBar wins={wins} ties={ties} losses={losses} />
      </td>
    </>
  )
}

const WIDTH = 160

/** From a value to a place on a line that all runs share. */
function axisOf(cells: readonly (EvalCell | null)[]): (value: number) => number {
  const values = cells
    .flatMap((cell) => (cell ? [cell.value, ...(cell.ci95 ?? [])] : []))
    .filter(Number.isFinite)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return (value) => 8 + ((value - low) / (high - low || 1)) * (WIDTH - 16)
}

interface IntervalProps {
  readonly base: EvalCell | null
  readonly tuned: EvalCell | null
  readonly at: (value: number) => number
  readonly color: string
}

function Interval({ base, tuned, at, color }: IntervalProps) {
  const bar = (cell: EvalCell | null, y: number, kind: string) =>
    cell &&
    Number.isFinite(cell.value) && (
      <g
        class={kind}
        style={{ stroke: kind === 'tuned' ? color : undefined, fill: kind === 'tuned' ? color : undefined }}
      >
        {cell.ci95?.every(Number.isFinite) && (
          <line x1={at(cell.ci95[0])} x2={at(cell.ci95[1])} y1={y} y2={y} />
        )}
        <circle cx={at(cell.value)} cy={y} r={4} />
      </g>
    )
  return (
    <svg class="interval" width={WIDTH} height={26} aria-hidden="true">
      {bar(base, 8, 'base')}
      {bar(tuned, 18, 'tuned')}
    </svg>
  )
}
