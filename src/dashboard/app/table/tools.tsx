/** @file Above the table: the filter, groups, columns, and what is drawn. */
import { useState } from 'preact/hooks'
import { runKey } from '../../../track/run-key.ts'
import { label } from '../parts/format.ts'
import { columns, headlines, listed, query, rows } from '../state/runs.ts'
import { change, view } from '../state/view.ts'
import '../parts/controls.css'
import './tools.css'

/** Drawing more at once helps nobody. */
const MOST_DRAWN = 300

export function TableTools() {
  const { filter, group, wide, brushes } = view.value
  const { mistake } = query.value
  const fields = allFields()
  return (
    <div class="tools">
      <label class="search">
        <span class="hidden">Filter runs</span>
        <input
          type="search"
          value={filter}
          placeholder="filter: lora  or  rank >= 8 and status = done"
          aria-invalid={mistake !== ''}
          aria-describedby="mistake"
          spellcheck={false}
          onInput={(event) => change({ filter: event.currentTarget.value })}
        />
      </label>
      <label>
        <span class="hidden">Group</span>
        <select value={group} onChange={(event) => change({ group: event.currentTarget.value })}>
          <option value="">no groups</option>
          {fields.map((field) => (
            <option key={field} value={field}>
              {field}
            </option>
          ))}
        </select>
      </label>
      <ColumnPicker fields={fields} />
      <details class="menu">
        <summary>Draw</summary>
        <div>
          <button type="button" onClick={() => change({ runs: null })}>
            the first 10
          </button>
          <button type="button" onClick={() => change({ runs: keysOf(MOST_DRAWN) })}>
            all that match
          </button>
          <button type="button" onClick={() => change({ runs: [] })}>
            none
          </button>
        </div>
      </details>
      <button
        type="button"
        class="wide"
        aria-pressed={wide}
        title={wide ? 'table and charts side by side' : 'the whole width for the table'}
        onClick={() => change({ wide: !wide })}
      >
        {wide ? 'Charts' : 'Widen'}
      </button>
      <p id="mistake" class="mistake" role="status">
        {mistake}
      </p>
      {Object.keys(brushes).length > 0 && (
        <p class="brushes">
          {Object.keys(brushes).map((field) => (
            <button type="button" key={field} onClick={() => change({ brushes: without(brushes, field) })}>
              {label(field)} <span aria-hidden="true">×</span>
              <span class="hidden">remove this range</span>
            </button>
          ))}
        </p>
      )}
    </div>
  )
}

function keysOf(most: number): string[] {
  return listed.value.slice(0, most).map((row) => runKey(row.id))
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key))
}

/** Everything a table can show or group by. */
export function allFields(): readonly string[] {
  const found = new Set<string>(['status', 'sweep', 'trial', 'tag', 'started', 'step', ...headlines.value])
  for (const { figures, config, about } of rows.value) {
    for (const part of [figures, config, about]) for (const key of Object.keys(part)) found.add(key)
  }
  return [...found]
}

function ColumnPicker({ fields }: { readonly fields: readonly string[] }) {
  const [search, setSearch] = useState('')
  const now = columns.value
  const found = fields.filter((field) => field.toLowerCase().includes(search.toLowerCase()))
  const flip = (field: string): void =>
    change({ columns: now.includes(field) ? now.filter((one) => one !== field) : [...now, field] })
  return (
    <details class="menu">
      <summary>Columns</summary>
      <div>
        <input
          type="search"
          placeholder="find a column"
          aria-label="find a column"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button type="button" onClick={() => change({ columns: [] })}>
          choose for me
        </button>
        <ul>
          {[...now, ...found.filter((field) => !now.includes(field))].slice(0, 200).map((field) => (
            <li key={field}>
              <label>
                <input type="checkbox" checked={now.includes(field)} onChange={() => flip(field)} /> {field}
              </label>
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}
