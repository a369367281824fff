/**
 * @file Curves as bytes: the length of a JSON header (u32, little endian), the header, padding to 8, then f64
 * values. Pure; the server writes it, the page and the exported report read it.
 */
import { gridOf, type Window } from '../../track/series.ts'
import type { SeriesMark, SeriesPart, SeriesReply } from './wire.ts'

interface Head {
  readonly window: Window
  readonly series: readonly {
    readonly key: string
    readonly length: number
    readonly thinned: boolean
    readonly smooth: boolean
    readonly odd: number
    readonly marks: readonly SeriesMark[]
  }[]
}

export function encodeSeries({ window, series }: SeriesReply): Uint8Array<ArrayBuffer> {
  const head: Head = {
    window,
    series: series.map(({ key, y, thinned, smooth, odd, marks }) => ({
      key,
      thinned,
      odd,
      marks,
      length: y.length,
      smooth: smooth !== undefined,
    })),
  }
  const text = new TextEncoder().encode(JSON.stringify(head))
  const start = padded(4 + text.length)
  // A thinned curve lies on the grid, which the window tells.
  const parts = series.flatMap(({ x, y, smooth, thinned }) => [
    ...(thinned ? [] : [x]),
    y,
    ...(smooth ? [smooth] : []),
  ])
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, start))
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  let at = start
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
    at += part.byteLength
  }
  return bytes
}

export function decodeSeries(buffer: ArrayBuffer): SeriesReply {
  const length = new DataView(buffer).getUint32(0, true)
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Head
  const grid = head.series.some(({ thinned }) => thinned) ? gridOf(head.window) : new Float64Array()
  let at = padded(4 + length)
  const take = (count: number): Float64Array => {
    const values = new Float64Array(buffer, at, count)
    at += 8 * count
    return values
  }
  const series = head.series.map(({ key, length: count, thinned, smooth, odd, marks }): SeriesPart => {
    const x = thinned ? grid : take(count)
    const y = take(count)
    return { key, x, y, thinned, odd, marks, ...(smooth ? { smooth: take(count) } : {}) }
  })
  return { window: head.window, series }
}

const padded = (length: number): number => Math.ceil(length / 8) * 8
