/** @file Attention over kept keys gives what attention over the whole text gives, wherever the kept ones lie. */
import { afterAll, describe, expect, test } from 'vitest'
import {
  attention,
  cachedAttention,
  evaluate,
  input,
  program,
  splitHeads,
  type Tensor,
  type Value,
} from '../../../src/compute/index.ts'
import { OnnxExecutor } from '../../../src/compute/onnx/index.ts'
import { uniform } from '../../../src/util/random.ts'

const D = 4
const ROWS = 2
/** Slots of the cache: with holes, and in no order. */
const SLOTS = [
  [3, -1, 0, 2, 1, -1, 4, -1],
  [-1, -1, 0, 1, -1, -1, -1, -1],
]
/** Positions of the new tokens of each row; -1 pads, on the left in the second row. */
const NEW = [
  [5, 6, 7, -1],
  [-1, 2, 3, 4],
]
const LENGTH = 8

const random = (stream: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 * uniform(3, stream, i) - 1)

interface Shape {
  readonly heads: number
  readonly kvHeads: number
  readonly window: number
}

function buildCase({ heads, kvHeads, window }: Shape) {
  const attrs = { heads, kvHeads, headDim: D, scale: 0.5, window }
  const place = (name: string, dim: 'length' | 'past') => ({
    segment: input(`${name} segment`, 'i32', ['rows', dim]),
    branch: input(`${name} branch`, 'i32', ['rows', dim]),
    position: input(`${name} position`, 'i32', ['rows', dim]),
  })
  const [own, past] = [place('own', 'length'), place('past', 'past')]
  const [q, k, v] = [heads, kvHeads, kvHeads].map((n, i) =>
    input(`qkv ${i}`, 'f32', ['rows', 'length', n * D]),
  )
  const [pastK, pastV] = ['k', 'v'].map((n) => input(`past ${n}`, 'f32', ['rows', kvHeads, 'past', D]))
  const kept = { k: splitHeads(k!, kvHeads), v: splitHeads(v!, kvHeads) }
  const out = cachedAttention(q!, kept, { k: pastK!, v: pastV! }, own, past, attrs)
  return { attrs, own, past, q: q!, k: k!, v: v!, pastK: pastK!, pastV: pastV!, out, kept }
}

/** [rows, positions, width] of the whole text; what stands at a position is read from here. */
const whole = (stream: number, width: number) => random(stream, ROWS * LENGTH * width)

describe.each([
  ['one key head', { heads: 2, kvHeads: 1, window: 0 }],
  ['a window of 3', { heads: 2, kvHeads: 1, window: 3 }],
  ['grouped queries and a window', { heads: 4, kvHeads: 2, window: 4 }],
] as const)('%s', (_, shape) => {
  const { heads, kvHeads } = shape
  const texts = [whole(1, heads * D), whole(2, kvHeads * D), whole(3, kvHeads * D)]
  const built = buildCase(shape)
  const feeds = feedsOf(texts, heads, kvHeads)
  const dims = { rows: ROWS, length: NEW[0]!.length, past: SLOTS[0]!.length }
  const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: true, provider: 'cpu' })
  afterAll(() => executor.close())

  test('equals attention over the whole text, in onnxruntime and in the oracle', async () => {
    const expected = wholeAttention(texts, built.attrs)
    const compiled = await executor.compile(program({ name: 'cached', outputs: { out: built.out } }))
    const { out } = await compiled.run(feeds, dims, false)
    const [oracle] = evaluate([built.out], new Map(inputsOf(built).map((value) => bound(value, feeds, dims))))
    NEW.forEach((positions, row) => {
      positions.forEach((position, t) => {
        for (let i = 0; i < heads * D; i++) {
          const at = (row * positions.length + t) * heads * D + i
          const wanted = position < 0 ? 0 : expected[(row * LENGTH + position) * heads * D + i]!
          expect(out![at], `row ${row}, token ${t}`).toBeCloseTo(wanted, 5)
          expect(oracle!.data[at], `row ${row}, token ${t}, oracle`).toBeCloseTo(wanted, 6)
        }
      })
    })
  })

  test('keeps its own keys a head at a time', async () => {
    const compiled = await executor.compile(program({ name: 'kept', outputs: { k: built.kept.k } }))
    const { k } = await compiled.run(feeds, dims, false)
    const [oracle] = evaluate(
      [built.kept.k],
      new Map(inputsOf(built).map((value) => bound(value, feeds, dims))),
    )
    const length = dims.length
    expect(Array.from(k!)).toEqual(Array.from(oracle!.data, Math.fround))
    for (const head of Array(kvHeads).keys()) {
      const at = (kvHeads + head) * length * D + 2 * D
      const from = (length + 2) * kvHeads * D + head * D
      expect([...k!.subarray(at, at + D)]).toEqual([
        ...(feeds['qkv 1'] as Float32Array).subarray(from, from + D),
      ])
    }
  })
})

type Feeds = Record<string, Float32Array | Int32Array>

function feedsOf(texts: readonly Float32Array[], heads: number, kvHeads: number): Feeds {
  const widths = [heads * D, kvHeads * D, kvHeads * D]
  const rowsOf = (text: Float32Array, width: number, places: readonly (readonly number[])[]) =>
    Float32Array.from(
      places.flatMap((positions, row) =>
        positions.flatMap((p) => [
          // What lies in an empty slot or pads must not matter: large, so that it would be seen.
          ...(p < 0
            ? new Float32Array(width).fill(50)
            : text.subarray((row * LENGTH + p) * width, (row * LENGTH + p + 1) * width)),
        ]),
      ),
    )
  const headMajor = (text: Float32Array): Float32Array => {
    const flat = rowsOf(text, kvHeads * D, SLOTS)
    const past = SLOTS[0]!.length
    return Float32Array.from(flat, (_, at) => {
      const i = at % D
      const slot = Math.floor(at / D) % past
      const head = Math.floor(at / (D * past)) % kvHeads
      const row = Math.floor(at / (D * past * kvHeads))
      return flat[((row * past + slot) * kvHeads + head) * D + i]!
    })
  }
  const places = (name: string, list: readonly (readonly number[])[]): Feeds => ({
    [`${name} segment`]: Int32Array.from(list.flat(), (p) => (p < 0 ? -1 : 0)),
    [`${name} branch`]: new Int32Array(list.flat().length),
    [`${name} position`]: Int32Array.from(list.flat(), (p) => Math.max(0, p)),
  })
  return {
    ...Object.fromEntries(texts.map((text, i) => [`qkv ${i}`, rowsOf(text, widths[i]!, NEW)])),
    'past k': headMajor(texts[1]!),
    'past v': headMajor(texts[2]!),
    ...places('own', NEW),
    ...places('past', SLOTS),
  }
}

function inputsOf({ own, past, q, k, v, pastK, pastV }: ReturnType<typeof buildCase>) {
  return [q, k, v, pastK, pastV, ...Object.values(own), ...Object.values(past)]
}

function bound(value: ReturnType<typeof input>, feeds: Feeds, dims: Record<string, number>) {
  const shape = value.shape.map((dim) => (typeof dim === 'number' ? dim : dims[dim]!))
  return [value, { data: Float64Array.from(feeds[value.node.attrs.name as string]!), shape }] as const
}

/** By the oracle's attention without a cache. */
function wholeAttention(
  texts: readonly Float32Array[],
  attrs: ReturnType<typeof buildCase>['attrs'],
): Float64Array {
  const { heads, kvHeads } = attrs
  const [q, k, v] = [heads, kvHeads, kvHeads].map((n, i) =>
    input(`text ${i}`, 'f32', ['rows', 'length', n * D]),
  )
  const grid = (name: string) => input(name, 'i32', ['rows', 'length'])
  const place = { segment: grid('s'), branch: grid('b'), position: grid('p') }
  const out = attention(q!, k!, v!, place, place, attrs)
  const size = ROWS * LENGTH
  const ints = (of: (i: number) => number) => ({
    data: Float64Array.from({ length: size }, (_, i) => of(i)),
    shape: [ROWS, LENGTH],
  })
  const bindings = new Map<Value, Tensor>([
    ...[q!, k!, v!].map(
      (value, i) =>
        [
          value,
          { data: Float64Array.from(texts[i]!), shape: [ROWS, LENGTH, texts[i]!.length / size] },
        ] as const,
    ),
    [place.segment, ints(() => 0)] as const,
    [place.branch, ints(() => 0)] as const,
    [place.position, ints((i) => i % LENGTH)] as const,
  ])
  return evaluate([out], bindings)[0]!.data
}
