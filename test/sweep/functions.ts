/** @file Functions to find the least of, as test/reference/tpe_fixture.py has them, and a search for it. */
import type { Params, PastTrial, Sampler, Space } from '../../src/plugin/contract.ts'

export interface TestFunction {
  readonly space: Space
  readonly least: number
  at(params: Params): number
}

const real = (path: string, min: number, max: number, scale: 'linear' | 'log' = 'linear') => ({
  path,
  distribution: { kind: 'float' as const, min, max, scale },
  when: [],
})

const A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]
const ALPHA = [1, 1.2, 3, 3.2]

const KINDS: Readonly<Record<string, readonly [number, number]>> = {
  adamw: [0, -3.5],
  lion: [0.05, -4.5],
  sgd: [0.4, -1.5],
  adafactor: [0.15, -3],
}

export const FUNCTIONS: Readonly<Record<string, TestFunction>> = {
  branin: {
    space: [real('x', -5, 10), real('y', 0, 15)],
    least: 0.39788735772973816,
    at({ x, y }) {
      const [u, v] = [Number(x), Number(y)]
      const a = v - (5.1 / (4 * Math.PI ** 2)) * u ** 2 + (5 / Math.PI) * u - 6
      return a ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(u) + 10
    },
  },
  hartmann6: {
    space: Array.from({ length: 6 }, (_, i) => real(`x${i}`, 0, 1)),
    least: -3.322368011415515,
    at: (params) =>
      -ALPHA.reduce((total, alpha, i) => {
        const sum = A[i]!.reduce((s, a, j) => s + a * (Number(params[`x${j}`]) - P[i]![j]!) ** 2, 0)
        return total + alpha * Math.exp(-sum)
      }, 0),
  },
  mixed: {
    space: [
      { path: 'kind', distribution: { kind: 'categorical', values: Object.keys(KINDS) }, when: [] },
      real('rate', 1e-6, 1e-1, 'log'),
      { path: 'rank', distribution: { kind: 'int', min: 1, max: 64, scale: 'log', step: 1 }, when: [] },
      {
        path: 'drop',
        distribution: { kind: 'float', min: 0, max: 0.5, scale: 'linear', step: 0.1 },
        when: [],
      },
    ],
    least: 0,
    at({ kind, rate, rank, drop }) {
      const [loss, best] = KINDS[String(kind)]!
      const away = Math.log10(Number(rate)) - best
      return (
        loss + 0.3 * away ** 2 + 0.05 * (Math.log2(Number(rank)) - 4) ** 2 + 2 * (Number(drop) - 0.1) ** 2
      )
    },
  },
}

/** How far the best of so many trials, one after another, lies above the least value there is. */
export function regret(
  { space, least, at }: TestFunction,
  sampler: Sampler,
  trials: number,
  seed: number,
): number {
  const past: PastTrial[] = []
  const seen = new Set<string>()
  for (let index = 0; index < trials; index++) {
    let params: Params = {}
    for (let draw = 0; draw < 50; draw++) {
      params = sampler.ask({ space, seed, index, draw, trials: past })
      if (!seen.has(JSON.stringify(params))) break
    }
    seen.add(JSON.stringify(params))
    past.push({ index, params, status: 'done', value: at(params) })
  }
  return Math.min(...past.map(({ value }) => value!)) - least
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
