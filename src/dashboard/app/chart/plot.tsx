/** @file One chart: uPlot with our axes, marks, gaps and zoom. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { SeriesReply } from '../../shared/wire.ts'
import { colorOf, isDark } from '../state/theme.ts'
import { align } from './align.ts'
import { drawMarks } from './marks.ts'
import { optionsOf } from './options.ts'
import { type Hover, Tooltip } from './tooltip.tsx'
import './plot.css'

export interface PlotProps {
  readonly reply: SeriesReply
  readonly metric: string
  /** Place of a run in the list of colours. */
  readonly colorIndex: ReadonlyMap<string, number>
  readonly logY: boolean
  readonly raw: boolean
  readonly xLabel: string
  readonly height: number
  readonly small?: boolean
  /** NaN for both ends takes the zoom back. */
  readonly onZoom?: (from: number, to: number) => void
}

export function Plot(props: PlotProps) {
  const { reply, metric, colorIndex, logY, raw, xLabel, height, small, onZoom } = props
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const [hover, setHover] = useState<Hover | undefined>(undefined)
  const width = useWidth(box)
  const dark = isDark.value
  const latest = useRef(props)
  latest.current = props
  const given = useRef<SeriesReply | undefined>(undefined)

  // What series there are, and how they look; new values of the same ones only need to be handed over.
  const shape = JSON.stringify([
    reply.series.map(({ key, smooth, x, thinned }) => [
      key,
      colorIndex.get(key),
      !smooth,
      !thinned && x.length < 60,
    ]),
    logY,
    raw,
    xLabel,
    height,
    small,
    width > 0,
    dark,
    reply.window.log,
  ])

  // In the same frame as what stands around it.
  useLayoutEffect(() => {
    if (width === 0 || !box.current) return
    const { options } = optionsOf({
      reply,
      logY,
      raw,
      small: small ?? false,
      xLabel,
      metric: () => latest.current.metric,
      size: { width, height },
      color: (key) => colorOf(colorIndex.get(key) ?? 0),
      window: () => latest.current.reply.window,
      onZoom: (from, to) => latest.current.onZoom?.(from, to),
      onHover: setHover,
      draw: (plot) =>
        drawMarks(plot, latest.current.reply, (key) => colorOf(latest.current.colorIndex.get(key) ?? 0)),
    })
    const made = new uPlot(options, dataOf(reply, logY, raw), box.current)
    chart.current = made
    given.current = reply
    return () => {
      made.destroy()
      chart.current = undefined
      setHover(undefined)
    }
  }, [shape])

  useLayoutEffect(() => {
    if (given.current === reply) return
    given.current = reply
    chart.current?.setData(dataOf(reply, logY, raw))
  }, [reply])

  useEffect(() => {
    if (width > 0) chart.current?.setSize({ width, height })
  }, [width, height])

  return (
    <div class="plot" style={{ height: `${height}px` }} onDblClick={() => onZoom?.(Number.NaN, Number.NaN)}>
      <div ref={box} />
      {hover && !small && (
        <Tooltip hover={hover} reply={reply} metric={metric} xLabel={xLabel} colorIndex={colorIndex} />
      )}
    </div>
  )
}

/** x, then for each run the faint raw curve and the smoothed one, or the raw one alone. */
function dataOf(reply: SeriesReply, logY: boolean, raw: boolean): uPlot.AlignedData {
  const { x, raw: values, smooth } = align(reply, logY)
  const lines = values.flatMap((own, i) => (smooth[i] ? (raw ? [own, smooth[i]] : [smooth[i]]) : [own]))
  return [x, ...lines] as unknown as uPlot.AlignedData
}

function useWidth(box: { readonly current: HTMLDivElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)))
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  return width
}
