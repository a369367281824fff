import { expect, test } from 'vitest'
import { gridOf, sampleCurve, smooth } from '../../src/track/series.ts'

const ramp = (n: number, of: (i: number) => number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => of(i))

test('smoothing is an average of all values so far, by hand', () => {
  const [a, b, c] = [3, 1, 8]
  const found = smooth(Float64Array.of(a, b, Number.NaN, c), 0.5)
  expect(found[0]).toBeCloseTo(a, 12)
  expect(found[1]).toBeCloseTo((a / 4 + b / 2) / (3 / 4), 12)
  expect(found[2]).toBeNaN()
  expect(found[3]).toBeCloseTo((a / 8 + b / 4 + c / 2) / (7 / 8), 12)
  // A constant stays what it is, from the first value on.
  for (const value of smooth(new Float64Array(50).fill(7), 0.99)) expect(value).toBeCloseTo(7, 9)
})

test('few points stay as they are, infinite ones become gaps', () => {
  const curve = sampleCurve(
    ramp(5, (i) => i),
    Float64Array.of(1, Number.NaN, Number.POSITIVE_INFINITY, 4, 5),
    {
      from: 0,
      to: 4,
      buckets: 10,
    },
  )
  expect(curve.thinned).toBe(false)
  expect([...curve.y]).toEqual([1, Number.NaN, Number.NaN, 4, 5])
})

test('a thinned curve keeps every peak, in order, on the shared grid', () => {
  const y = ramp(10_000, (i) => (i === 4321 ? 99 : i === 4322 ? -99 : Math.sin(i / 500)))
  const window = { from: 0, to: 9999, buckets: 100 }
  const curve = sampleCurve(
    ramp(10_000, (i) => i),
    y,
    window,
    0.9,
  )
  expect([curve.thinned, curve.y.length]).toEqual([true, 200])
  expect(curve.x).toEqual(gridOf(window))
  const at = curve.y.indexOf(99)
  expect([curve.y[at], curve.y[at + 1]]).toEqual([99, -99])
  expect(Math.abs(curve.x[at]! - 4321)).toBeLessThan(100)
  // Smoothed before it was thinned: what stands in a bucket is the average at its last point.
  expect(curve.smooth![199]).toBe(smooth(y, 0.9)[9999])
})

test('a row at the edge of two buckets, which rounding puts into the first, takes no peak away there', () => {
  // 25 buckets of 1.36 end at 34, and 34 / 1.36 comes to less than 25.
  const window = { from: 0, to: 272, buckets: 200 }
  expect(Math.floor(34 / (272 / 200))).toBe(24)
  const x = ramp(272 * 4 + 1, (i) => i / 4)
  const { y } = sampleCurve(
    x,
    x.map((at) => (at === 33.75 ? 99 : 0)),
    window,
  )
  expect([y[48], y[49]]).toContain(99)
})

test('a bucket of NaN alone is a gap; zooming in finds the points themselves', () => {
  const y = ramp(10_000, (i) => (i >= 2000 && i < 4000 ? Number.NaN : 1))
  const x = ramp(10_000, (i) => i)
  const whole = sampleCurve(x, y, { from: 0, to: 9999, buckets: 50 })
  expect([...whole.y].map(Number.isNaN).indexOf(true)).toBe(20)
  expect([...whole.y].filter(Number.isNaN)).toHaveLength(20)
  const near = sampleCurve(x, y, { from: 5000, to: 5020, buckets: 50 })
  expect([near.thinned, near.x[0], near.x.at(-1)]).toEqual([false, 4999, 5021])
})

test('a logarithmic axis has buckets of equal width in it', () => {
  const window = { from: 1, to: 10_000, buckets: 40, log: true }
  const grid = gridOf(window)
  expect(grid[2]! / grid[0]!).toBeCloseTo(10 ** 0.1, 9)
  const curve = sampleCurve(
    ramp(10_000, (i) => i + 1),
    ramp(10_000, (i) => i + 1),
    window,
  )
  const bucket = curve.y.lastIndexOf(10_000) >> 1
  expect(bucket).toBe(39)
})

test('a clock that was set back leaves the points in order', () => {
  const curve = sampleCurve(Float64Array.of(1, 3, 2, Number.NaN, 4), Float64Array.of(10, 30, 20, 0, 40), {
    from: 0,
    to: 9,
    buckets: 4,
  })
  expect([...curve.x]).toEqual([1, 2, 3, 4])
  expect([...curve.y]).toEqual([10, 20, 30, 40])
})
