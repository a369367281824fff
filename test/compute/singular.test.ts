/** @file Singular factors against matrices whose singular values are known, and the cache and threads around them. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { initialValues, type ParameterInit, prepareParameters } from '../../src/compute/index.ts'
import { qrFactors } from '../../src/compute/qr.ts'
import { singularFactors } from '../../src/compute/singular.ts'
import { InputError } from '../../src/util/errors.ts'
import { normal, uniform } from '../../src/util/random.ts'
import { tempFolder } from '../helpers/temp.ts'

/** [size, count] with orthonormal columns. */
function orthonormal(size: number, count: number, seed: number): Float32Array {
  const drawn = Float32Array.from({ length: size * count }, (_, i) => normal(seed, 1, i))
  return qrFactors(drawn, size, count, count).q
}

/** U S V^T of the first `rank` values, in float64. */
function matrixOf(rows: number, columns: number, values: readonly number[], rank = values.length) {
  const [u, v] = [orthonormal(rows, values.length, 1), orthonormal(columns, values.length, 2)]
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rank; k++) {
      const left = u[i * values.length + k]! * values[k]!
      for (let j = 0; j < columns; j++) result[i * columns + j]! += left * v[j * values.length + k]!
    }
  }
  return result
}

function productOf({ a, b }: { a: Float32Array; b: Float32Array }, rows: number, columns: number) {
  const rank = a.length / columns
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns]
    let sum = 0
    for (let k = 0; k < rank; k++) sum += b[i * rank + k]! * a[k * columns + j]!
    return sum
  })
}

function apart(found: Float64Array, wanted: Float64Array): number {
  return Math.hypot(...found.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted)
}

const falling = (count: number) => Array.from({ length: count }, (_, k) => 3 / (1 + 0.05 * k))

describe('the factors of a matrix with known singular values', () => {
  it.each([
    { shape: 'high', rows: 300, columns: 220, rank: 5 },
    { shape: 'wide', rows: 220, columns: 300, rank: 5 },
    { shape: 'small', rows: 24, columns: 40, rank: 3 },
    { shape: 'square, of its whole rank', rows: 30, columns: 30, rank: 30 },
  ])('$shape', ({ rows, columns, rank }) => {
    const values = falling(Math.min(rows, columns))
    const whole = Float32Array.from(matrixOf(rows, columns, values))
    const { a, b } = singularFactors(whole, rows, columns, rank)
    expect(apart(productOf({ a, b }, rows, columns), matrixOf(rows, columns, values, rank))).toBeLessThan(
      2e-6,
    )
    // Both sides have the same share: the rows of A and the columns of B are as long as the root of the value.
    for (let k = 0; k < rank; k++) {
      expect(Math.hypot(...a.subarray(k * columns, (k + 1) * columns)) ** 2).toBeCloseTo(values[k]!, 5)
      expect(Math.hypot(...Array.from({ length: rows }, (_, i) => b[i * rank + k]!)) ** 2).toBeCloseTo(
        values[k]!,
        5,
      )
    }
  })

  it('with values that come twice', () => {
    // The same block twice on the diagonal: from one start, Lanczos would see each value once.
    const size = 110
    const block = matrixOf(size, size, falling(size))
    const w = new Float32Array(4 * size * size)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        w[i * 2 * size + j] = block[i * size + j]!
        w[(size + i) * 2 * size + size + j] = block[i * size + j]!
      }
    }
    const { a } = singularFactors(w, 2 * size, 2 * size, 6)
    const found = Array.from(
      { length: 6 },
      (_, k) => Math.hypot(...a.subarray(k * 2 * size, (k + 1) * 2 * size)) ** 2,
    )
    const [one, two, three] = falling(3)
    for (const [k, value] of found.entries())
      expect(value).toBeCloseTo([one, one, two, two, three, three][k]!, 4)
  })

  it('that is nothing, or of a smaller rank than is asked', () => {
    const nothing = singularFactors(new Float32Array(200 * 150), 200, 150, 4)
    expect([...nothing.a, ...nothing.b].every((value) => value === 0)).toBe(true)
    const thin = matrixOf(200, 150, [3, 2])
    const { a, b } = singularFactors(Float32Array.from(thin), 200, 150, 4)
    expect(apart(productOf({ a, b }, 200, 150), thin)).toBeLessThan(1e-6)
  })
})

describe('factors of stored weights', () => {
  let cache: string
  let weights: string
  const [rows, columns, rank] = [120, 100, 4]
  let specs: ReturnType<typeof makeSpecs>
  beforeEach(() => {
    cache = tempFolder()
    vi.stubEnv('MEDTUNE_CACHE', cache)
    weights = join(tempFolder(), 'weights')
    const values = Float32Array.from({ length: 3 * rows * columns }, (_, i) => uniform(4, 2, i) - 0.5)
    writeFileSync(weights, Buffer.from(values.buffer))
    specs = makeSpecs()
  })
  afterEach(() => void vi.unstubAllEnvs())

  const init = (matrix: number, part: 'a' | 'b', factor = 1): ParameterInit => {
    const offset = 4 * matrix * rows * columns
    return { kind: 'svd', part, factor, rank, rows, columns, file: weights, offset, dtype: 'f32' }
  }
  const makeSpecs = () =>
    [0, 1, 2].flatMap((matrix) => [
      { name: `${matrix} a`, shape: [rank, columns], init: init(matrix, 'a') },
      { name: `${matrix} b`, shape: [rows, rank], init: init(matrix, 'b', -2) },
    ])
  const files = () => readdirSync(join(cache, 'factors'))

  it('are worked out in threads, one a matrix, and then found', async () => {
    const seen: string[] = []
    await prepareParameters(specs, { progress: (done, total) => seen.push(`${done} of ${total}`) })
    expect(seen).toEqual(['0 of 3', '1 of 3', '2 of 3', '3 of 3'])
    expect(files()).toHaveLength(3)
    const ready = specs.map(initialValues)
    await prepareParameters(specs, { progress: () => expect.unreachable('nothing is left to do') })
    vi.stubEnv('MEDTUNE_CACHE', tempFolder())
    expect(specs.map(initialValues)).toEqual(ready)
  })

  it('are worked out anew where the cache is damaged, or the weights are others', async () => {
    const first = initialValues(specs[0]!)
    const [file] = files()
    const bytes = readFileSync(join(cache, 'factors', file!))
    for (const damaged of [bytes.subarray(1), bytes.map((byte, i) => (i === 60 ? byte ^ 1 : byte))]) {
      writeFileSync(join(cache, 'factors', file!), damaged)
      initialValues(specs[2]!)
      expect(initialValues(specs[0]!)).toEqual(first)
      expect(readFileSync(join(cache, 'factors', file!))).toEqual(bytes)
    }
    const before = files().length
    utimesSync(weights, 0, statSync(weights).mtimeMs / 1000 - 5)
    initialValues(specs[2]!)
    initialValues(specs[0]!)
    expect(files().length).toBeGreaterThan(before)
  })

  it('need no cache', async () => {
    const first = initialValues(specs[0]!)
    vi.stubEnv('MEDTUNE_CACHE', '/dev/null/nowhere')
    initialValues(specs[2]!)
    expect(initialValues(specs[0]!)).toEqual(first)
  })

  it('stop when told, and fail where the file ends too early', async () => {
    const reason = new Error('enough')
    await expect(prepareParameters(specs, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const beyond = { name: 'x', shape: [rank, columns], init: init(3, 'a') }
    await expect(prepareParameters([beyond])).rejects.toThrow(InputError)
  })
})
