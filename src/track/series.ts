/**
 * @file A curve as a chart needs it: smoothed first, then cut to a window and thinned out so that no peak is
 * lost. Pure; the server and the page share it.
 */

/** Part of the x axis, and how many buckets it is cut into. */
export interface Window {
  readonly from: number
  readonly to: number
  readonly buckets: number
  /** Buckets of equal width on a logarithmic axis. */
  readonly log?: boolean
}

export interface Curve {
  /** Not NaN, never decreasing. */
  readonly x: Float64Array
  /** NaN where the value was not finite. */
  readonly y: Float64Array
  /** The smoothed curve at the same x; undefined where none was asked for. */
  readonly smooth?: Float64Array
  /** Whether it was thinned out: then x is the grid, two places a bucket. */
  readonly thinned: boolean
}

/**
 * Exponential moving average without the pull towards 0 at the start: s_t = w s_{t-1} + (1 - w) y_t, divided
 * by 1 - w^t. Values that are not finite are passed over.
 * @param weight w, from 0 (no smoothing) to below 1
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  const smoothed = new Float64Array(values.length)
  let average = 0
  let power = 1
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) {
      smoothed[i] = Number.NaN
      continue
    }
    average = weight * average + (1 - weight) * value
    power *= weight
    smoothed[i] = average / (1 - power)
  }
  return smoothed
}

/**
 * The curve within a window. Up to two points a bucket stay as they are; else each bucket keeps its smallest
 * and its largest value in the order in which they came, and the last smoothed one. A bucket with nothing but
 * values that are not finite is a gap.
 */
export function sampleCurve(x: Float64Array, y: Float64Array, window: Window, weight = 0): Curve {
  const ordered = inOrder(x, y)
  const smoothed = weight > 0 ? smooth(ordered.y, weight) : undefined
  const [start, end] = range(ordered.x, window)
  if (end - start <= 2 * window.buckets) {
    return {
      x: ordered.x.slice(start, end),
      y: finite(ordered.y.subarray(start, end)),
      ...(smoothed ? { smooth: smoothed.slice(start, end) } : {}),
      thinned: false,
    }
  }
  return thin(ordered.x, ordered.y, smoothed, start, end, window)
}

/** The x of a thinned curve: two places a bucket, at a quarter and three quarters of its width. */
export function gridOf(window: Window): Float64Array {
  const { from, width, back } = scaleOf(window)
  return Float64Array.from({ length: 2 * window.buckets }, (_, i) => back(from + width * (i / 2 + 0.25)))
}

function thin(
  x: Float64Array,
  y: Float64Array,
  smoothed: Float64Array | undefined,
  start: number,
  end: number,
  window: Window,
): Curve {
  const { from, width, there, back } = scaleOf(window)
  const places = 2 * window.buckets
  const bounds = new Float64Array(places).fill(Number.NaN)
  const line = smoothed && new Float64Array(places).fill(Number.NaN)
  const final = window.buckets - 1
  let bucket = -1
  for (let i = start; i < end; ) {
    // Rounding must not bring a row back to the bucket that the rows before it have filled.
    bucket = Math.min(final, Math.max(bucket + 1, Math.floor((there(x[i]!) - from) / width)))
    const edge = bucket === final ? Number.POSITIVE_INFINITY : back(from + width * (bucket + 1))
    const next = nextFrom(x, i + 1, end, edge)
    const { first, second, last } = extremes(y, i, next)
    i = next
    if (last < 0) continue
    bounds[2 * bucket] = y[first]!
    bounds[2 * bucket + 1] = y[second]!
    if (line) line[2 * bucket] = line[2 * bucket + 1] = smoothed[last]!
  }
  return { x: gridOf(window), y: bounds, ...(line ? { smooth: line } : {}), thinned: true }
}

/** The first row from `from` on whose x is at least `edge`; `end` where there is none. */
function nextFrom(x: Float64Array, from: number, end: number, edge: number): number {
  let i = from
  while (i < end && x[i]! < edge) i++
  return i
}

/** Where the smallest and the largest finite value stand, in their order, and the last finite one; -1 where there is none. */
function extremes(
  y: Float64Array,
  from: number,
  to: number,
): { readonly first: number; readonly second: number; readonly last: number } {
  let [low, high, last] = [-1, -1, -1]
  for (let i = from; i < to; i++) {
    const value = y[i]!
    if (!Number.isFinite(value)) continue
    if (low < 0 || value < y[low]!) low = i
    if (high < 0 || value > y[high]!) high = i
    last = i
  }
  return { first: Math.min(low, high), second: Math.max(low, high), last }
}

function scaleOf({ from, to, buckets, log }: Window): {
  readonly from: number
  readonly width: number
  there(x: number): number
  back(x: number): number
} {
  const there = log ? Math.log : (x: number): number => x
  const back = log ? Math.exp : (x: number): number => x
  const start = there(from)
  return { from: start, width: (there(to) - start) / buckets || 1, there, back }
}

/** First row within the window and the one after the last, with a neighbour on either side so that lines reach the edge. */
function range(x: Float64Array, { from, to, log }: Window): [number, number] {
  let start = lowerBound(x, from)
  let end = lowerBound(x, to)
  while (end < x.length && x[end] === to) end++
  if (start > 0 && !(log && x[start - 1]! <= 0)) start--
  return [start, Math.min(x.length, end + 1)]
}

/** Index of the first value that is at least `wanted`. */
function lowerBound(values: Float64Array, wanted: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low
}

function finite(values: Float64Array): Float64Array {
  return values.map((value) => (Number.isFinite(value) ? value : Number.NaN))
}

function isInOrder(x: Float64Array): boolean {
  let before = Number.NEGATIVE_INFINITY
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    if (!(value >= before)) return false
    before = value
  }
  return true
}

/** Rows with an x, in its order: a clock may be set back while a run goes on. */
function inOrder(x: Float64Array, y: Float64Array): { readonly x: Float64Array; readonly y: Float64Array } {
  if (isInOrder(x)) return { x, y }
  const rows = [...x.keys()].filter((i) => !Number.isNaN(x[i]!)).sort((a, b) => x[a]! - x[b]!)
  return { x: Float64Array.from(rows, (i) => x[i]!), y: Float64Array.from(rows, (i) => y[i]!) }
}
