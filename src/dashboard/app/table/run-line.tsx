/** @file A line of the table of runs: a run, or the heading of a group. */
import type { RunRow } from '../../../track/read/run-row.ts'
import { fieldOf } from '../../../track/row-fields.ts'
import { runKey } from '../../../track/run-key.ts'
import { visibleLine } from '../../../util/visible.ts'
import { figure, nameOf, short, shown } from '../parts/format.ts'
import { Status } from '../parts/status.tsx'
import { Line } from '../parts/text.tsx'
import { colorIndex, toggle, togglePin } from '../state/runs.ts'
import { colorOf } from '../state/theme.ts'
import { change, view } from '../state/view.ts'
import { type Group, groupFigure } from './groups.ts'
import '../parts/tag.css'
import './run-line.css'

interface Shared {
  readonly index: number
  readonly fields: readonly string[]
  readonly tabIndex: number
  readonly onFocus: () => void
}

export function RunLine({ row, index, fields, tabIndex, onFocus }: Shared & { readonly row: RunRow }) {
  const key = runKey(row.id)
  const color = colorIndex.value.get(key)
  const pinned = view.value.pinned.includes(key)
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return
    if (event.key === ' ') toggle(key)
    else if (event.key === 'Enter') change({ tab: 'run', run: key })
    else if (event.key === 'p') togglePin(key)
    else return
    event.preventDefault()
  }
  return (
    <tr
      data-line={index}
      data-run={row.id}
      class={`${pinned ? 'pinned' : ''} ${color === undefined ? '' : 'drawn'}`}
      aria-rowindex={index + 2}
      aria-selected={color !== undefined}
      tabIndex={tabIndex}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
    >
      <th scope="row" class="name">
        <div>
          <input
            type="checkbox"
            checked={color !== undefined}
            style={{ '--color': color === undefined ? undefined : colorOf(color) }}
            aria-label={`draw ${visibleLine(nameOf(row))}`}
            tabIndex={-1}
            onChange={() => toggle(key)}
          />
          <button
            type="button"
            class="open"
            tabIndex={-1}
            title={visibleLine(row.id)}
            onClick={() => change({ tab: 'run', run: key })}
          >
            <Line text={nameOf(row)} />
          </button>
          {row.tags.map((tag) => (
            <span class="tag" key={tag}>
              <Line text={tag} />
            </span>
          ))}
          <button
            type="button"
            class="pin"
            tabIndex={-1}
            aria-pressed={pinned}
            aria-label={`pin ${visibleLine(nameOf(row))}`}
            onClick={() => togglePin(key)}
          >
            {pinned ? '★' : '☆'}
          </button>
        </div>
      </th>
      <td>
        <Status row={row} />
      </td>
      {fields.map((field) => (
        <Cell key={field} row={row} field={field} />
      ))}
    </tr>
  )
}

function Cell({ row, field }: { readonly row: RunRow; readonly field: string }) {
  const value = fieldOf(row, field)
  // A setting stands as it was written, unless it is long, as a sampler's are.
  const isFigure = Object.hasOwn(row.figures, field)
  const whole = visibleLine(isFigure ? shown(field, value) : plain(field, value))
  const text = !isFigure && typeof value === 'number' && whole.length > LONG ? short(value) : whole
  const difference = row.figures[`${field}.difference`]
  const odd = typeof value === 'number' && !Number.isFinite(value)
  return (
    <td
      class={`${typeof value === 'number' ? 'number' : ''} ${odd ? 'odd' : ''}`}
      title={whole.length > 16 || whole !== text ? whole : undefined}
    >
      {text.slice(0, 60)}
      {difference !== undefined && <Change field={field} value={difference} row={row} />}
    </td>
  )
}

/** Digits and signs of a setting that fit a column. */
const LONG = 8

function plain(field: string, value: unknown): string {
  return typeof value === 'number' ? String(value) : shown(field, value)
}

/** Against the base model: green or red only where the interval leaves zero out. */
function Change({
  field,
  value,
  row,
}: {
  readonly field: string
  readonly value: number
  readonly row: RunRow
}) {
  const found = row.evals.find(({ name, metric }) => `eval.${name}.${metric}` === field)
  const ends = found?.difference?.ci95
  const clear = ends !== undefined && (ends[0] > 0 || ends[1] < 0)
  const better = value > 0 === (found?.better === 'higher')
  const kind = clear ? (better ? 'better' : 'worse') : ''
  return (
    <small class={`change ${kind}`} title="tuned against base, on the same items">
      {value >= 0 ? '+' : ''}
      {figure(field, value).replace(' %', '')}
    </small>
  )
}

export function GroupLine({ group, index, fields, tabIndex, onFocus }: Shared & { readonly group: Group }) {
  return (
    <tr class="group" data-line={index} aria-rowindex={index + 2} tabIndex={tabIndex} onFocus={onFocus}>
      <th scope="row" class="name">
        <Line text={group.title} /> <small>{group.members.length} runs</small>
      </th>
      <td />
      {fields.map((field) => {
        const found = groupFigure(group.members, field)
        return (
          <td key={field} class="number">
            {found && figure(field, found.mean)}
            {found && found.n > 1 && <small> ± {figure(field, found.deviation).replace(' %', '')}</small>}
          </td>
        )
      })}
    </tr>
  )
}
