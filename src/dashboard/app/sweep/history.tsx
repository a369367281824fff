/** @file What each trial came to, in the order in which they were asked for, and the best so far. */
import type { Trial } from '../../../track/sweep-journal.ts'
import { visibleLine } from '../../../util/visible.ts'
import type { SweepDetail } from '../../shared/wire.ts'
import { roundTicks } from '../parameters/scale.ts'
import { short } from '../parts/format.ts'
import { bestSoFar, figureOf, paramsText } from './trials.ts'
import '../parts/figure.css'
import './history.css'

const HEIGHT = 250
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 14, 12, 40]
/** Values so far apart are drawn on a logarithmic axis. */
const WIDE = 10
/** Room above and below the axis for what lies beyond it. */
const EDGE = 14
/** Room below the axis' least value, for trials that came to none. */
const FOOT = 16

interface Props {
  readonly sweep: SweepDetail
  readonly width: number
  /** Opens a trial's run; undefined where it has none. */
  readonly onOpen: (trial: Trial) => (() => void) | undefined
}

export function History({ sweep, width, onOpen }: Props) {
  const { trials, metric } = sweep
  const place = placesOf(sweep, width)
  const best = bestSoFar(sweep)
  return (
    <svg
      class="history"
      width={width}
      height={HEIGHT}
      role="group"
      aria-label={`${metric.name} of ${trials.length} trials, and the best so far`}
    >
      <g class="ticks">
        {place.ticks.map((tick) => (
          <g key={tick} transform={`translate(${LEFT},${place.y(tick)})`}>
            <line x2={width - LEFT - RIGHT} />
            <text x={-7} dy="0.32em" text-anchor="end">
              {short(tick)}
            </text>
          </g>
        ))}
        {place.numbers.map((index) => (
          <text key={index} x={place.x(index)} y={HEIGHT - 22} text-anchor="middle">
            {index}
          </text>
        ))}
      </g>
      <text class="title" x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 5} text-anchor="middle">
        trial
      </text>
      <text class="title" transform={`translate(12,${HEIGHT / 2 - 12}) rotate(-90)`} text-anchor="middle">
        {visibleLine(metric.name).slice(0, 30)}
        {place.log ? ' (log)' : ''}
      </text>
      {best.length > 0 && (
        <path
          class="best"
          d={`${best.map(({ index, value }, i) => `${i === 0 ? 'M' : 'H'}${place.x(index)}${i === 0 ? ',' : 'V'}${place.y(value)}`).join('')}H${place.x(place.last)}`}
        />
      )}
      {trials.map((trial) => (
        <Point key={trial.id} trial={trial} sweep={sweep} place={place} open={onOpen(trial)} />
      ))}
    </svg>
  )
}

interface Places {
  readonly x: (index: number) => number
  readonly y: (value: number) => number
  readonly ticks: readonly number[]
  readonly numbers: readonly number[]
  readonly last: number
  readonly log: boolean
}

/**
 * Values of trials that came to their end make the axis, where there are some: those that were ended early would
 * squeeze them together. What lies beyond stands at the edge.
 */
function placesOf({ trials, of }: SweepDetail, width: number): Places {
  const done = figuresOf(trials.filter(({ status }) => status === 'done'))
  const values = new Set(done).size > 1 ? done : figuresOf(trials)
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1]
  const log = low > 0 && high / low >= WIDE
  const scaled = log ? Math.log : (value: number): number => value
  const span = scaled(high) - scaled(low)
  const last = Math.max(trials.at(-1)?.index ?? 0, (of ?? 0) - 1, 1)
  const [top, bottom] = [TOP + 6, HEIGHT - BOTTOM - FOOT]
  const x = (index: number): number => LEFT + 10 + (index / last) * (width - LEFT - RIGHT - 20)
  const y = (value: number): number => {
    if (span === 0) return (top + bottom) / 2
    const part = (scaled(Math.min(high, Math.max(low, value))) - scaled(low)) / span
    // Room above and below for those beyond.
    const room = values === done ? EDGE : 0
    const beyond = value > high ? room : value < low ? -room : 0
    return bottom - room - part * (bottom - top - 2 * room) - beyond
  }
  const numbers = roundTicks(0, last, false).filter(Number.isInteger)
  return { x, y, ticks: values.length > 0 ? roundTicks(low, high, log) : [], numbers, last, log }
}

const figuresOf = (trials: readonly Trial[]): number[] => trials.flatMap((trial) => figureOf(trial) ?? [])

interface PointProps {
  readonly trial: Trial
  readonly sweep: SweepDetail
  readonly place: Places
  readonly open: (() => void) | undefined
}

/** Told apart by shape too: filled, hollow, a cross. One without a value stands at the foot. */
function Point({ trial, sweep, place, open }: PointProps) {
  const value = figureOf(trial)
  if (value === undefined && trial.status !== 'failed') return null
  const [x, y] = [place.x(trial.index), value === undefined ? HEIGHT - BOTTOM - 4 : place.y(value)]
  const title = [
    `trial ${trial.index}, ${trial.status}${value === undefined ? '' : `: ${short(value)}`}`,
    paramsText(trial.params, sweep.space),
    trial.status === 'failed' || trial.status === 'pruned' ? (trial.reason ?? '') : '',
  ]
  return (
    <g
      class={`trial ${trial.status} ${open ? 'opens' : ''}`}
      transform={`translate(${x},${y})`}
      onClick={open}
    >
      <circle class="reach" r={9} />
      {trial.status === 'failed' ? <path d="M-4,-4L4,4M-4,4L4,-4" /> : <circle r={4.5} />}
      <title>
        {title
          .filter((line) => line !== '')
          .map(visibleLine)
          .join('\n')}
      </title>
    </g>
  )
}
