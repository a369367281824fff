/** @file What a chart shows beside its lines: where a run was evaluated or saved, and where a value was not finite. */
import type uPlot from 'uplot'
import type { SeriesReply } from '../../shared/wire.ts'

/** Of more runs the marks would cover one another. */
const MOST_RUNS = 12
const SIZE = 4

export function drawMarks(plot: uPlot, { series }: SeriesReply, color: (key: string) => string): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  for (const { key, x, y, thinned, marks } of series.slice(0, MOST_RUNS)) {
    ctx.fillStyle = ctx.strokeStyle = color(key)
    ctx.lineWidth = 1.5 * scale
    ctx.globalAlpha = 0.7
    for (const mark of marks) {
      drawMark(
        ctx,
        mark.type,
        plot.valToPos(mark.x, 'x', true),
        bbox.top + bbox.height - 2 * scale,
        SIZE * scale,
      )
    }
    for (let i = 0; i < y.length; i += thinned ? 2 : 1) {
      if (Number.isNaN(y[i]!)) cross(ctx, plot.valToPos(x[i]!, 'x', true), bbox.top + 6 * scale, 3 * scale)
    }
  }
  ctx.restore()
}

/** A triangle for a checkpoint, a short line for an evaluation. */
function drawMark(ctx: CanvasRenderingContext2D, type: string, x: number, y: number, size: number): void {
  ctx.beginPath()
  if (type !== 'checkpoint') {
    ctx.moveTo(x, y)
    ctx.lineTo(x, y - 1.6 * size)
    ctx.stroke()
    return
  }
  ctx.moveTo(x - size, y)
  ctx.lineTo(x + size, y)
  ctx.lineTo(x, y - 1.7 * size)
  ctx.closePath()
  ctx.fill()
}

function cross(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath()
  ctx.moveTo(x - size, y - size)
  ctx.lineTo(x + size, y + size)
  ctx.moveTo(x + size, y - size)
  ctx.lineTo(x - size, y + size)
  ctx.stroke()
}
