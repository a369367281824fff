/** @file How a chart looks and what it hears, for uPlot. */
import type uPlot from 'uplot'
import type { SeriesReply } from '../../shared/wire.ts'
import { seconds, short, tick as tickText } from '../parts/format.ts'
import type { Hover } from './tooltip.tsx'

interface Look {
  readonly reply: SeriesReply
  readonly logY: boolean
  readonly raw: boolean
  readonly small: boolean
  readonly xLabel: string
  readonly size: { readonly width: number; readonly height: number }
  color(key: string): string
  /** What the data are of now: a plot outlives a change of metric. */
  metric(): string
  /** The window that they are of. */
  window(): SeriesReply['window']
  onZoom(from: number, to: number): void
  onHover(hover: Hover | undefined): void
  draw(plot: uPlot): void
}

/** A curve of so few points shows each of them. */
const FEW = 60
/** Runs from which on lines are thin, and have no dots under the pointer. */
const MANY = 40
/** Pixels that a drag must cover to be a zoom. */
const SHORTEST_DRAG = 6

export function optionsOf(look: Look): { readonly options: uPlot.Options } {
  const style = getComputedStyle(document.documentElement)
  const [ink, grid] = [style.getPropertyValue('--muted').trim(), style.getPropertyValue('--line').trim()]
  const { logY, small, xLabel, metric, size, reply } = look
  const font = '11px system-ui, sans-serif'
  const axis = {
    stroke: ink,
    font,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1, size: 4 },
  }
  const log = reply.window.log === true
  const xValue = xLabel === 'time' ? seconds : short
  return {
    options: {
      ...size,
      padding: [8, 22, 0, 0],
      legend: { show: false },
      cursor: {
        // Each is an element of its own.
        points: { size: 6, show: reply.series.length <= MANY },
        drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG },
        focus: { prox: 1e6 },
      },
      focus: { alpha: 0.9 },
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: () => rangeOf(look.window()) },
        y: { distr: logY ? 3 : 1 },
      },
      axes: [
        {
          ...axis,
          size: small ? 22 : 30,
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : xValue(tick))),
        },
        {
          ...axis,
          size: small ? 48 : 62,
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : tickText(metric(), tick))),
        },
      ],
      series: [{}, ...seriesOf(look)],
      hooks: hooksOf(look),
    },
  }
}

function rangeOf({ from, to }: SeriesReply['window']): [number, number] {
  return [from, to]
}

function seriesOf({ reply, raw, color, small }: Look): uPlot.Series[] {
  const many = reply.series.length > MANY
  return reply.series.flatMap(({ key, smooth, thinned, x }) => {
    const stroke = color(key)
    const points = { show: !thinned && x.length <= FEW, size: small ? 4 : 5, stroke, fill: stroke }
    const line = { stroke, width: many ? 1 : 1.6, points, spanGaps: false }
    if (!smooth) return [line]
    const faint = { ...line, alpha: 0.22, width: 1, points: { show: false } }
    return raw ? [faint, line] : [line]
  })
}

function hooksOf({ onZoom, onHover, draw }: Look): uPlot.Hooks.Arrays {
  return {
    draw: [draw],
    setSelect: [
      (plot) => {
        const { left, width } = plot.select
        if (width < SHORTEST_DRAG) return
        const ends = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')] as const
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
        onZoom(...ends)
      },
    ],
    setCursor: [
      (plot) => {
        const { left, top, idx } = plot.cursor
        if (left === undefined || left < 0 || idx === undefined || idx === null) return onHover(undefined)
        onHover({
          left: left + plot.bbox.left / devicePixelRatio,
          top: top!,
          x: plot.posToVal(left, 'x'),
          y: plot.posToVal(top!, 'y'),
        })
      },
    ],
  }
}
