/** @file The table of runs. Only the rows in sight are in the page, so that thousands scroll as well as ten. */
import { useRef, useState } from 'preact/hooks'
import { fieldOf } from '../../../track/row-fields.ts'
import { runKey } from '../../../track/run-key.ts'
import { heading } from '../parts/format.ts'
import { brushed, columns, listed, rows } from '../state/runs.ts'
import { change, view } from '../state/view.ts'
import { groupRows, type Listed } from './groups.ts'
import { GroupLine, RunLine } from './run-line.tsx'
import { headSort } from './sorting.ts'
import { TableTools } from './tools.tsx'
import './run-table.css'

const HEIGHT = 36
/** Rows above and below what is seen. */
const SPARE = 8

export function RunTable() {
  const { group, sort } = view.value
  const lines = groupRows(listed.value, group, view.value.pinned)
  const fields = columns.value
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [active, setActive] = useState(0)
  const seen = Math.ceil((box.current?.clientHeight ?? 700) / HEIGHT)
  const first = Math.max(0, Math.floor(top / HEIGHT) - SPARE)
  const shown = lines.slice(first, first + seen + 2 * SPARE)

  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: seen,
      PageUp: -seen,
      Home: -1e9,
      End: 1e9,
    }
    const move = moves[event.key]
    if (move === undefined || (event.target as HTMLElement).tagName === 'INPUT') return
    event.preventDefault()
    const next = Math.min(lines.length - 1, Math.max(0, active + move))
    setActive(next)
    const scroller = box.current!
    if (next * HEIGHT < scroller.scrollTop) scroller.scrollTop = next * HEIGHT
    const bottom = scroller.scrollTop + scroller.clientHeight - 2 * HEIGHT
    if (next * HEIGHT > bottom) scroller.scrollTop += next * HEIGHT - bottom
    // The row may come into the page only now.
    setTimeout(() => scroller.querySelector<HTMLElement>(`[data-line="${next}"]`)?.focus())
  }

  return (
    <section class="runs" aria-label="Runs">
      <TableTools />
      <div
        class="scroll"
        ref={box}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <table aria-rowcount={lines.length + 1}>
          <thead>
            <tr>
              {['name', 'status', ...fields].map((field) => (
                <Head key={field} field={field} sort={sort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {first > 0 && <tr class="spacer" style={{ height: `${first * HEIGHT}px` }} />}
            {shown.map((line, i) => (
              <TableLine
                key={keyOf(line)}
                line={line}
                index={first + i}
                active={active}
                fields={fields}
                onActive={setActive}
              />
            ))}
            {first + shown.length < lines.length && (
              <tr class="spacer" style={{ height: `${(lines.length - first - shown.length) * HEIGHT}px` }} />
            )}
          </tbody>
        </table>
        {lines.length === 0 && (
          <p class="empty">{rows.value.length === 0 ? 'No runs yet.' : 'No run matches.'}</p>
        )}
      </div>
      <p class="count" aria-live="polite">
        {brushed.value.length === rows.value.length
          ? `${rows.value.length} runs`
          : `${brushed.value.length} of ${rows.value.length} runs`}
      </p>
    </section>
  )
}

const keyOf = (line: Listed): string => ('row' in line ? runKey(line.row.id) : `group ${line.title}`)

interface LineProps {
  readonly line: Listed
  readonly index: number
  readonly active: number
  readonly fields: readonly string[]
  readonly onActive: (index: number) => void
}

function TableLine({ line, index, active, fields, onActive }: LineProps) {
  const shared = { index, fields, tabIndex: index === active ? 0 : -1, onFocus: () => onActive(index) }
  return 'row' in line ? <RunLine row={line.row} {...shared} /> : <GroupLine group={line} {...shared} />
}

/** Whether a column has numbers, which stand at the right. */
function isNumber(field: string): boolean {
  return rows.value.some((row) => typeof fieldOf(row, field) === 'number')
}

function Head({ field, sort }: { readonly field: string; readonly sort: string }) {
  const state = sort === field ? 'ascending' : sort === `-${field}` ? 'descending' : 'none'
  return (
    <th
      aria-sort={state}
      class={`${field === 'name' ? 'name' : ''} ${isNumber(field) ? 'number' : ''}`}
      scope="col"
      title={field}
    >
      <button type="button" onClick={() => change({ sort: headSort(field, sort) })}>
        <span>{heading(field)}</span>
        <i aria-hidden="true">{state === 'ascending' ? '↑' : state === 'descending' ? '↓' : ''}</i>
      </button>
    </th>
  )
}
