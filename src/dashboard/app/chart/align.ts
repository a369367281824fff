/** @file Curves of several runs on one x axis, as uPlot wants them. */
import type { SeriesReply } from '../../shared/wire.ts'

/** A value; null where there is a gap, undefined where another run has a point and this one has none. */
export type Value = number | null | undefined

export interface Aligned {
  readonly x: Float64Array
  /** For each run: the raw values, and the smoothed ones where there are such. */
  readonly raw: readonly Value[][]
  readonly smooth: readonly (Value[] | undefined)[]
}

/** @param positive whether values have to be, as on a logarithmic axis */
export function align({ series }: SeriesReply, positive: boolean): Aligned {
  const shared = series.length > 0 && series.every(({ x }) => x === series[0]!.x)
  const x = shared ? series[0]!.x : union(series.map((part) => part.x))
  const place = (own: Float64Array, values: Float64Array): Value[] => {
    const drawn: Value[] = new Array(x.length)
    let at = 0
    for (let i = 0; i < own.length; i++) {
      if (own === x) at = i
      else while (x[at]! < own[i]!) at++
      const value = values[i]!
      drawn[at] = Number.isNaN(value) || (positive && value <= 0) ? null : value
    }
    return drawn
  }
  return {
    x,
    raw: series.map((part) => place(part.x, part.y)),
    smooth: series.map((part) => part.smooth && place(part.x, part.smooth)),
  }
}

/** All values, each once, in order. */
function union(lists: readonly Float64Array[]): Float64Array {
  const unique = [...new Set(lists)]
  const all = new Float64Array(unique.reduce((total, list) => total + list.length, 0))
  let at = 0
  for (const list of unique) {
    all.set(list, at)
    at += list.length
  }
  all.sort()
  let length = 0
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[length++] = all[i]!
  return all.slice(0, length)
}
