/** @file How much each setting had to do with the result. */
import type { RunRow } from '../../../track/read/run-row.ts'
import { label } from '../parts/format.ts'
import { isLowerBetter } from '../state/runs.ts'
import { FEWEST, importancesOf } from './importance.ts'
import '../parts/bar.css'
import './importance.css'

interface Props {
  readonly rows: readonly RunRow[]
  readonly settings: readonly string[]
  readonly goal: string
}

export function ImportanceBars({ rows, settings, goal }: Props) {
  const found = importancesOf(rows, settings, goal, isLowerBetter(goal))
  return (
    <section>
      <header>
        <h2>What mattered for {label(goal)}</h2>
        <p>
          How differently the values of a setting lie in the best runs and in all of them. A share of what
          single settings explain, not a cause.
        </p>
      </header>
      {found.length === 0 ? (
        <p class="empty">
          At least {FEWEST} finished runs with different settings are needed to say anything.
        </p>
      ) : (
        <ol class="bars">
          {found.map(({ path, share }) => (
            <li key={path}>
              <span>{path}</span>
              <span class="bar">
                <i style={{ width: `${100 * share}%` }} />
              </span>
              <b>{(100 * share).toFixed(0)} %</b>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
