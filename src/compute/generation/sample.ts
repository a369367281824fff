/**
 * @file A token from its logits. Order and meaning are those of transformers: repetition penalty, then, when
 * drawing, temperature, top-k, top-p, min-p, and a draw from what is left.
 */
import { bits, streamOf } from '../../util/random.ts'
import type { Sampling } from './request.ts'

/**
 * The token for place `index` of answer `prompt`. `logits` are changed by the penalty; `seen` are the tokens of
 * the prompt and the answer so far.
 * @throws Error where the logits hold NaN, from which nothing can be chosen
 */
export function chooseToken(
  logits: Float32Array,
  seen: Iterable<number>,
  sampling: Sampling,
  prompt: number,
  index: number,
): number {
  if (sampling.temperature === 0) {
    penalise(logits, seen, sampling.repetitionPenalty)
    return likeliest(logits)
  }
  const { ids, weights } = distribution(logits, seen, sampling)
  return ids[draw(weights, drawn(sampling.seed, prompt, index))]!
}

/** The first of the largest. */
export function likeliest(logits: Float32Array): number {
  let best = 0
  let top = logits[0]!
  for (let id = 1; id < logits.length; id++) {
    const value = logits[id]!
    if (value > top) {
      top = value
      best = id
    }
  }
  // No comparison with NaN is true: it would go unseen beside larger values, but such a model has them everywhere.
  if (Number.isNaN(top)) throw new Error("the model's logits are not numbers; its weights may be damaged")
  return best
}

/** Each distinct token once: what is below 0 is multiplied, the rest divided. */
function penalise(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  if (penalty === 1) return
  for (const id of new Set(seen)) {
    const value = logits[id]!
    logits[id] = value < 0 ? value * penalty : value / penalty
  }
}

export interface Distribution {
  readonly ids: Int32Array
  /** Proportional to the probabilities. */
  readonly weights: Float64Array
}

/** Tokens that penalty, temperature and cuts leave, in order of their ids. */
export function distribution(
  logits: Float32Array,
  seen: Iterable<number>,
  { temperature, topK, topP, minP, repetitionPenalty }: Sampling,
): Distribution {
  penalise(logits, seen, repetitionPenalty)
  const top = logits[likeliest(logits)]!
  const weight = (id: number): number => Math.exp((logits[id]! - top) / temperature)
  let ids = topK > 0 && topK < logits.length ? atLeast(logits, kthLargest(logits, topK)) : undefined
  let weights = ids ? Float64Array.from(ids, weight) : Float64Array.from(logits, (_, id) => weight(id))
  const keep = (kept: (at: number) => boolean): void => {
    const places = [...weights.keys()].filter(kept)
    ids = Int32Array.from(places, (at) => ids?.[at] ?? at)
    weights = Float64Array.from(places, (at) => weights[at]!)
  }
  if (topP < 1) {
    const bar = nucleus(weights, topP)
    keep((at) => weights[at]! >= bar)
  }
  // The likeliest token weighs 1.
  if (minP > 0) keep((at) => weights[at]! >= minP)
  return { ids: ids ?? Int32Array.from(logits.keys()), weights }
}

function atLeast(logits: Float32Array, bar: number): Int32Array {
  const ids: number[] = []
  for (let id = 0; id < logits.length; id++) if (logits[id]! >= bar) ids.push(id)
  return Int32Array.from(ids)
}

/** By a heap of the k largest so far, its smallest on top. */
function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k).sort()
  for (let i = k; i < values.length; i++) {
    const value = values[i]!
    if (value <= heap[0]!) continue
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= k) break
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= value) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = value
  }
  return heap[0]!
}

/** Smallest weight in the fewest largest ones whose sum reaches the share `topP` of all. */
function nucleus(weights: Float64Array, topP: number): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]!
  const spare = (1 - topP) * total
  // Everything this small could be left out together, so that only the rest has to be sorted.
  const small = spare / weights.length
  let left = 0
  const rest: number[] = []
  for (const weight of weights) {
    if (weight > small) rest.push(weight)
    else left += weight
  }
  const sorted = Float64Array.from(rest).sort()
  for (let i = 0; i < sorted.length - 1; i++) {
    left += sorted[i]!
    if (left > spare) return sorted[i]!
  }
  return sorted.at(-1)!
}

const STREAM = streamOf('sample')

/** Uniform in [0, 1), with 53 bits. */
function drawn(seed: number, prompt: number, index: number): number {
  const stream = bits(STREAM, prompt, 0)
  const high = bits(seed, stream, 2 * index)
  const low = bits(seed, stream, 2 * index + 1)
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53
}

/** Index of the weight in which the share `u` of their sum falls. */
function draw(weights: Float64Array, u: number): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]!
  let left = u * total
  let last = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    last = i
    left -= weights[i]!
    if (left < 0) return i
  }
  return last
}

/** log softmax(logits)[id] */
export function logProb(logits: Float32Array, id: number): number {
  const top = logits[likeliest(logits)]!
  let total = 0
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i]! - top)
  return logits[id]! - top - Math.log(total)
}
