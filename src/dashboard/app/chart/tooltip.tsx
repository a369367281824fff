/** @file The values under the pointer: those of the nearest curves. */
import type { SeriesPart, SeriesReply } from '../../shared/wire.ts'
import { figure, seconds, short } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { nameAt } from '../state/runs.ts'
import { colorOf } from '../state/theme.ts'
import './tooltip.css'

export interface Hover {
  readonly left: number
  readonly top: number
  readonly x: number
  readonly y: number
}

interface Props {
  readonly hover: Hover
  readonly reply: SeriesReply
  readonly metric: string
  readonly xLabel: string
  readonly colorIndex: ReadonlyMap<string, number>
}

const MOST = 10

export function Tooltip({ hover, reply, metric, xLabel, colorIndex }: Props) {
  const near = reply.series
    .map((part) => ({ key: part.key, value: valueAt(part, hover.x) }))
    .filter(({ value }) => value !== undefined)
    .sort((a, b) => Math.abs(a.value! - hover.y) - Math.abs(b.value! - hover.y))
    .slice(0, MOST)
    .sort((a, b) => b.value! - a.value!)
  const right = hover.left > 320
  return (
    <div
      class={`tooltip ${right ? 'right' : ''}`}
      style={{ left: `${hover.left}px`, top: `${hover.top}px` }}
      aria-hidden="true"
    >
      <p>
        {xLabel} {xLabel === 'time' ? seconds(hover.x) : short(hover.x)}
      </p>
      {near.map(({ key, value }) => (
        <p key={key}>
          <i style={{ background: colorOf(colorIndex.get(key) ?? 0) }} />
          <span>
            <Line text={nameAt(key)} />
          </span>
          <b>{figure(metric, value!)}</b>
        </p>
      ))}
    </div>
  )
}

/** The value of the nearest point; undefined beyond the curve's ends and in its gaps. */
function valueAt({ x, y, smooth }: SeriesPart, at: number): number | undefined {
  if (x.length === 0 || at < x[0]! || at > x.at(-1)!) return undefined
  let [low, high] = [0, x.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (x[middle]! <= at) low = middle
    else high = middle
  }
  const nearest = at - x[low]! < x[high]! - at ? low : high
  const value = (smooth ?? y)[nearest]!
  return Number.isNaN(value) ? undefined : value
}
