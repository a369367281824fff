/** @file The distributions of a sweep's parameters, under the names of W&B's sweep files. */
import type { Distribution } from '../plugin/contract.ts'
import { canonicalJson } from '../recipe/hash.ts'

/** A parameter as written, once the schema has seen it. */
export interface Given {
  readonly distribution?: string
  readonly value?: unknown
  readonly values?: readonly unknown[]
  readonly probabilities?: readonly number[]
  readonly min?: number
  readonly max?: number
  readonly q?: number
}

type Made = { readonly distribution: Distribution } | { readonly problem: string; readonly key?: string }

interface Kind {
  /** Keys that say more about it. */
  readonly keys: readonly string[]
  /** What it is called where the file does not name it. */
  readonly words: string
  make(given: Given): Made
}

type Range = Exclude<Distribution, { kind: 'categorical' }>

export const DISTRIBUTIONS: { readonly [name: string]: Kind } = {
  constant: {
    keys: ['value'],
    words: 'a single value',
    make: (given) =>
      'value' in given
        ? { distribution: { kind: 'categorical', values: [given.value] } }
        : { problem: 'needs a value' },
  },
  categorical: { keys: ['values', 'probabilities'], words: 'a list of values', make: categorical },
  uniform: {
    keys: ['min', 'max'],
    words: 'a range',
    make: (given) => range(given, { kind: 'float', scale: 'linear' }),
  },
  int_uniform: {
    keys: ['min', 'max'],
    words: 'a range of whole numbers',
    make: (given) => range(given, { kind: 'int', scale: 'linear', step: 1 }),
  },
  q_uniform: {
    keys: ['min', 'max', 'q'],
    words: 'a range in steps',
    make: (given) => stepped(given, 'linear'),
  },
  log_uniform_values: {
    keys: ['min', 'max'],
    words: 'a range',
    make: (given) => range(given, { kind: 'float', scale: 'log' }),
  },
  q_log_uniform_values: {
    keys: ['min', 'max', 'q'],
    words: 'a range in steps',
    make: (given) => stepped(given, 'log'),
  },
}

function categorical({ values, probabilities }: Given): Made {
  if (!values) return { problem: 'needs values' }
  const seen = values.map(canonicalJson)
  const twin = seen.findIndex((value, i) => seen.indexOf(value) < i)
  if (twin >= 0) return { problem: `names ${JSON.stringify(values[twin])} twice`, key: 'values' }
  if (!probabilities) return { distribution: { kind: 'categorical', values } }
  if (probabilities.length !== values.length)
    return {
      problem: `has ${probabilities.length} numbers for ${values.length} values`,
      key: 'probabilities',
    }
  const sum = probabilities.reduce((total, weight) => total + weight, 0)
  if (Math.abs(sum - 1) > 1e-6) return { problem: `must sum to 1, not ${sum}`, key: 'probabilities' }
  return { distribution: { kind: 'categorical', values, weights: probabilities } }
}

function stepped(given: Given, scale: Range['scale']): Made {
  if (given.q === undefined) return { problem: 'needs q, the step between values' }
  const whole = Number.isInteger(given.q) && Number.isInteger(given.min)
  return range(given, { kind: whole ? 'int' : 'float', scale, step: given.q })
}

function range({ min, max, q }: Given, rest: Omit<Range, 'min' | 'max'>): Made {
  if (min === undefined || max === undefined) return { problem: `needs ${min === undefined ? 'min' : 'max'}` }
  if (min >= max) return { problem: `must be more than min, ${min}; found ${max}`, key: 'max' }
  if (rest.scale === 'log' && min <= 0)
    return { problem: `must be more than 0 on a log scale, found ${min}`, key: 'min' }
  if (rest.kind === 'int' && rest.step === 1 && !(Number.isInteger(min) && Number.isInteger(max)))
    return {
      problem: 'the ends of int_uniform must be whole numbers',
      key: Number.isInteger(min) ? 'max' : 'min',
    }
  if (q !== undefined && q > max - min)
    return { problem: `is more than the whole range, ${max - min}`, key: 'q' }
  return { distribution: { ...rest, min, max } }
}

/** Names that W&B knows and medtune does not take, with the reason and what to write; undefined for all others. */
export function refusedDistribution(name: string, { min, max }: Given): string | undefined {
  if (name === 'log_uniform' || name === 'q_log_uniform' || name === 'inv_log_uniform') {
    const values = [min, max].every((end) => end !== undefined && Math.abs(end) < 100)
      ? ` (as exponents, yours would be min: ${Math.exp(min!).toPrecision(3)}, max: ${Math.exp(max!).toPrecision(3)})`
      : ''
    const instead = name === 'q_log_uniform' ? 'q_log_uniform_values' : 'log_uniform_values'
    return `"${name}" takes its ends as natural logarithms, which is easily misread: write ${instead} with the values themselves${values}`
  }
  if (/^(q_)?(log_)?normal$|^(q_)?beta$/.test(name))
    return `"${name}" is not offered: its values have no ends, or ends that a range has too; use uniform or log_uniform_values`
  if (name === 'categorical_w_probabilities') return `write categorical, with probabilities beside values`
  if (name === 'inv_log_uniform_values') return `"${name}" is not offered; use log_uniform_values`
  return undefined
}
