/** @file Any figure or setting against any other; of two figures also the Pareto front. */
import { runKey } from '../../../track/run-key.ts'
import { visibleLine } from '../../../util/visible.ts'
import { label, nameOf } from '../parts/format.ts'
import { brushed, colorIndex, isLowerBetter, toggle } from '../state/runs.ts'
import { colorOf } from '../state/theme.ts'
import { paretoFront } from './pareto.ts'
import { type Scale, scaleOf } from './scale.ts'
import '../parts/figure.css'
import './scatter.css'

const HEIGHT = 320
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 16, 14, 44]

interface Props {
  readonly x: string
  readonly y: string
  readonly width: number
  /** Whether to show which runs no other beats in both. */
  readonly front: boolean
}

export function Scatter({ x, y, width, front }: Props) {
  const rows = brushed.value
  const [across, up] = [scaleOf(x, rows), scaleOf(y, rows)]
  const px = (part: number): number => LEFT + 8 + part * (width - LEFT - RIGHT - 16)
  const py = (part: number): number => HEIGHT - BOTTOM - 8 - part * (HEIGHT - TOP - BOTTOM - 16)
  const points = rows.flatMap((row) => {
    const [a, b] = [across.at(row), up.at(row)]
    return a === undefined || b === undefined ? [] : [{ row, key: runKey(row.id), a, b }]
  })
  const best = front ? paretoFront(points, isLowerBetter(x), isLowerBetter(y)) : []
  return (
    <svg
      class="scatter"
      width={width}
      height={HEIGHT}
      role="group"
      aria-label={`${label(y)} against ${label(x)}, ${points.length} runs`}
    >
      <Ticks scale={across} place={(part) => `translate(${px(part)},${HEIGHT - BOTTOM})`} side="bottom" />
      <Ticks scale={up} place={(part) => `translate(${LEFT},${py(part)})`} side="left" />
      <rect
        class="frame"
        x={LEFT}
        y={TOP}
        width={Math.max(0, width - LEFT - RIGHT)}
        height={HEIGHT - TOP - BOTTOM}
      />
      <text class="title" x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 6} text-anchor="middle">
        {label(x)}
        {across.log ? ' (log)' : ''}
      </text>
      <text class="title" transform={`translate(13,${HEIGHT / 2 - 10}) rotate(-90)`} text-anchor="middle">
        {label(y)}
        {up.log ? ' (log)' : ''}
      </text>
      {best.length > 1 && (
        <path class="front" d={`M${best.map(({ a, b }) => `${px(a)},${py(b)}`).join('L')}`} />
      )}
      {points.map(({ row, key, a, b }) => {
        const color = colorIndex.value.get(key)
        return (
          <circle
            key={key}
            cx={px(a)}
            cy={py(b)}
            r={best.some((one) => one.key === key) ? 6 : 4.5}
            class={color === undefined ? '' : 'drawn'}
            style={{ fill: color === undefined ? 'var(--muted)' : colorOf(color) }}
            onClick={() => toggle(key)}
          >
            <title>{`${visibleLine(nameOf(row))}\n${label(x)}: ${across.text(across.value(a))}\n${label(y)}: ${up.text(up.value(b))}`}</title>
          </circle>
        )
      })}
    </svg>
  )
}

interface TicksProps {
  readonly scale: Scale
  readonly place: (part: number) => string
  readonly side: 'left' | 'bottom'
}

function Ticks({ scale, place, side }: TicksProps) {
  return (
    <g class="ticks">
      {scale.ticks.map((tick) => (
        <g key={tick} transform={place(scale.part(tick))}>
          <line {...(side === 'left' ? { x2: -4 } : { y2: 4 })} />
          <text
            {...(side === 'left'
              ? { x: -7, dy: '0.32em', 'text-anchor': 'end' }
              : { y: 17, 'text-anchor': 'middle' })}
          >
            {visibleLine(scale.text(tick)).slice(0, 10)}
          </text>
        </g>
      ))}
    </g>
  )
}
