/** @file Parallel coordinates: a line a run across its settings and figures. Ranges drawn on an axis filter the table. */
import { useRef, useState } from 'preact/hooks'
import type { RunRow } from '../../../track/read/run-row.ts'
import { runKey } from '../../../track/run-key.ts'
import { visibleLine } from '../../../util/visible.ts'
import { label, nameOf, shortName } from '../parts/format.ts'
import { brushed, colorIndex, filtered, toggle } from '../state/runs.ts'
import { colorOf } from '../state/theme.ts'
import { change, view } from '../state/view.ts'
import { type Scale, scaleOf } from './scale.ts'
import '../parts/figure.css'
import './parallel.css'

const [TOP, BOTTOM, SIDE] = [34, 18, 60]
const HEIGHT = 330
/** Lines that the page draws at most. */
const MOST = 1500

export function Parallel({ fields, width }: { readonly fields: readonly string[]; readonly width: number }) {
  const [hover, setHover] = useState('')
  const all = filtered.value.slice(0, MOST)
  const inside = new Set(brushed.value)
  const scales = fields.map((field) => scaleOf(field, all))
  const gap = fields.length > 1 ? (Math.max(width, 110 * fields.length) - 2 * SIDE) / (fields.length - 1) : 0
  const full = 2 * SIDE + gap * (fields.length - 1)
  const last = scales.at(-1)
  const lines = all.map((row) => ({ row, path: pathOf(row, scales, gap), on: inside.has(row) }))
  lines.sort((a, b) => Number(a.on) - Number(b.on))
  return (
    <div class="parallel" tabIndex={0} role="region" aria-label="settings and results">
      <svg
        width={full}
        height={HEIGHT}
        role="group"
        aria-label={`${all.length} runs across ${fields.map(label).join(', ')}`}
      >
        {lines.map(({ row, path, on }) => {
          const key = runKey(row.id)
          const color = colorIndex.value.get(key)
          return (
            <path
              key={row.id}
              d={path}
              class={`run-path ${on ? '' : 'out'} ${color === undefined ? '' : 'drawn'} ${hover === key ? 'hover' : ''}`}
              style={{
                stroke: !on ? 'var(--muted)' : color === undefined ? shade(last?.at(row)) : colorOf(color),
              }}
              onPointerEnter={() => setHover(key)}
              onPointerLeave={() => setHover('')}
              onClick={() => toggle(key)}
            >
              <title>{`${visibleLine(nameOf(row))}\n${fields.map((field, i) => `${label(field)}: ${textAt(scales[i]!, row)}`).join('\n')}`}</title>
            </path>
          )
        })}
        {scales.map((scale, i) => (
          <Axis key={scale.field} scale={scale} x={SIDE + i * gap} last={i > 0 && i === scales.length - 1} />
        ))}
      </svg>
    </div>
  )
}

function textAt(scale: Scale, row: RunRow): string {
  const part = scale.at(row)
  return part === undefined ? '-' : scale.text(scale.value(part))
}

const yOf = (part: number): number => HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
const partOf = (y: number): number =>
  Math.min(1, Math.max(0, (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM)))

/** A line through the places it has; a missing one breaks it. */
function pathOf(row: RunRow, scales: readonly Scale[], gap: number): string {
  let pen = 'M'
  let path = ''
  scales.forEach((scale, i) => {
    const part = scale.at(row)
    if (part === undefined) {
      pen = 'M'
      return
    }
    path += `${pen}${SIDE + i * gap},${yOf(part).toFixed(1)}`
    pen = 'L'
  })
  return path
}

/** From the accent colour to a muted one, by the place on the last axis. */
function shade(part: number | undefined): string {
  return part === undefined
    ? 'var(--muted)'
    : `color-mix(in oklab, var(--accent) ${Math.round(100 * part)}%, var(--warm))`
}

function Axis({ scale, x, last }: { readonly scale: Scale; readonly x: number; readonly last: boolean }) {
  const { field } = scale
  const brush = view.value.brushes[field]
  const started = useRef<number | undefined>(undefined)
  const setBrush = (range: readonly [number, number] | undefined): void => {
    const { [field]: _, ...others } = view.value.brushes
    change({ brushes: range ? { ...others, [field]: range } : others })
  }
  const partAt = (event: PointerEvent): number =>
    partOf(event.clientY - (event.currentTarget as Element).closest('svg')!.getBoundingClientRect().top)
  const range = (a: number, b: number): readonly [number, number] => {
    const [low, high] = [scale.value(Math.min(a, b)), scale.value(Math.max(a, b))]
    return [round(low), round(high)]
  }
  return (
    <g transform={`translate(${x},0)`} class="axis">
      <line y1={yOf(1)} y2={yOf(0)} />
      {scale.ticks.map((tick) => (
        <g key={tick} transform={`translate(0,${yOf(scale.part(tick))})`}>
          <line x1={-4} x2={0} />
          <text x={-7} dy="0.32em" text-anchor="end">
            {visibleLine(scale.text(tick)).slice(0, 12)}
          </text>
        </g>
      ))}
      <text class="title" x={last ? SIDE - 6 : 0} y={16} text-anchor={last ? 'end' : 'middle'}>
        {shortName(field).slice(0, 22)}
        <title>{field}</title>
      </text>
      <rect
        class="grip"
        x={-14}
        width={28}
        y={yOf(1) - 6}
        height={yOf(0) - yOf(1) + 12}
        data-axis={field}
        onPointerDown={(event) => {
          started.current = partAt(event)
          event.currentTarget.setPointerCapture(event.pointerId)
        }}
        onPointerMove={(event) => {
          if (started.current !== undefined) setBrush(range(started.current, partAt(event)))
        }}
        onPointerUp={(event) => {
          const moved = started.current === undefined ? 0 : Math.abs(started.current - partAt(event))
          started.current = undefined
          if (moved < 0.01) setBrush(undefined)
        }}
      />
      {brush && <Brush scale={scale} brush={brush} onChange={setBrush} />}
      {!brush && (
        <circle
          class="handle"
          cy={yOf(0.5)}
          r={5}
          role="button"
          tabindex={0}
          aria-label={`choose a range of ${field}`}
          onKeyDown={(event) => {
            if (event.key === 'Enter' || event.key === ' ') setBrush([scale.low, scale.high])
          }}
        />
      )}
    </g>
  )
}

interface BrushProps {
  readonly scale: Scale
  readonly brush: readonly [number, number]
  readonly onChange: (range: readonly [number, number] | undefined) => void
}

/** The chosen range, with an end at either side that arrow keys move. */
function Brush({ scale, brush, onChange }: BrushProps) {
  const [low, high] = brush.map((value) => Math.min(1, Math.max(0, scale.part(value)))) as [number, number]
  const move = (end: 0 | 1, event: KeyboardEvent): void => {
    if (event.key === 'Escape' || event.key === 'Delete') {
      onChange(undefined)
      return
    }
    const by = { ArrowUp: 0.05, ArrowDown: -0.05 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    const next = Math.min(1, Math.max(0, [low, high][end]! + by))
    const [a, b] = end === 0 ? [next, high] : [low, next]
    if (a <= b) onChange([round(scale.value(a)), round(scale.value(b))])
  }
  return (
    <g class="brush">
      <rect x={-7} width={14} y={yOf(high)} height={Math.max(3, yOf(low) - yOf(high))} />
      {([0, 1] as const).map((end) => (
        <circle
          key={end}
          class="handle"
          cy={yOf(end === 0 ? low : high)}
          r={5}
          role="slider"
          tabindex={0}
          aria-label={`${end === 0 ? 'least' : 'largest'} ${scale.field}`}
          aria-valuenow={brush[end]}
          aria-valuetext={scale.text(brush[end]!)}
          onKeyDown={(event) => move(end, event)}
        />
      ))}
    </g>
  )
}

/** Six digits, rounded outwards enough that the value an end was drawn at stays inside. */
function round(value: number): number {
  return Number(value.toPrecision(6))
}
