/** @file How settings and results go together, over all runs that match. */
import { label } from '../parts/format.ts'
import { useWidth } from '../parts/use-width.ts'
import { brushed, filtered, headlines, isLowerBetter, settings } from '../state/runs.ts'
import { change, view } from '../state/view.ts'
import { ImportanceBars } from './importance.tsx'
import { Parallel } from './parallel.tsx'
import { Scatter } from './scatter.tsx'
import '../parts/controls.css'

/** Pixels that the frame of a section takes. */
const FRAME = 26
/** Axes shown unasked. */
const AXES = 6

export function ParametersView() {
  const [box, whole] = useWidth<HTMLDivElement>()
  const width = whole - FRAME
  const apart = settings.value
  const figures = figuresOf()
  const goal = headlines.value[0] ?? 'loss'
  const axes = view.value.axes.length > 0 ? view.value.axes : [...apart.slice(0, AXES), goal]
  const x = view.value.scatterX || (apart[0] ?? 'tokens_per_second')
  const y = view.value.scatterY || goal
  const front = figures.includes(x) && figures.includes(y)
  const fields = [...apart, ...figures]
  return (
    <div class="parameters" ref={box}>
      <section>
        <header>
          <h2>Settings and results</h2>
          <p>
            Each line is a run. Draw along an axis to keep a range; the table and everything below follow.
          </p>
          <AxisPicker fields={fields} axes={axes} />
        </header>
        {apart.length === 0 ? (
          <p class="empty">These runs have the same settings.</p>
        ) : (
          width > 0 && <Parallel fields={axes} width={width} />
        )}
      </section>
      <section>
        <header>
          <h2>{front ? 'Trade-off' : 'One against another'}</h2>
          <FieldSelect name="x" value={x} fields={fields} onChange={(field) => change({ scatterX: field })} />
          <FieldSelect name="y" value={y} fields={fields} onChange={(field) => change({ scatterY: field })} />
          {front && (
            <p>
              The line joins the runs that no other beats in both: {isLowerBetter(x) ? 'less' : 'more'}{' '}
              {label(x)}, {isLowerBetter(y) ? 'less' : 'more'} {label(y)}.
            </p>
          )}
        </header>
        {width > 0 && <Scatter x={x} y={y} width={width} front={front} />}
      </section>
      <ImportanceBars rows={brushed.value} settings={apart} goal={y} />
    </div>
  )
}

/** Figures that any run has. */
function figuresOf(): string[] {
  const found = new Set(filtered.value.flatMap((row) => Object.keys(row.figures)))
  return [...headlines.value, ...[...found].filter((key) => !headlines.value.includes(key)).sort()]
}

interface SelectProps {
  readonly name: string
  readonly value: string
  readonly fields: readonly string[]
  readonly onChange: (field: string) => void
}

function FieldSelect({ name, value, fields, onChange }: SelectProps) {
  return (
    <label>
      <span>{name}</span>
      <select
        aria-label={`${name} of the chart`}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {fields.map((field) => (
          <option key={field} value={field}>
            {field}
          </option>
        ))}
      </select>
    </label>
  )
}

function AxisPicker({
  fields,
  axes,
}: {
  readonly fields: readonly string[]
  readonly axes: readonly string[]
}) {
  const flip = (field: string): void =>
    change({ axes: axes.includes(field) ? axes.filter((one) => one !== field) : [...axes, field] })
  return (
    <details class="menu">
      <summary>Axes</summary>
      <div>
        <button type="button" onClick={() => change({ axes: [] })}>
          choose for me
        </button>
        <ul>
          {fields.slice(0, 200).map((field) => (
            <li key={field}>
              <label>
                <input type="checkbox" checked={axes.includes(field)} onChange={() => flip(field)} /> {field}
              </label>
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}
