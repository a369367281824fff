/** @file Half of a set, by the rule with which its authors drew their test set, so that no list of its ids is needed. */
import { createHash } from 'node:crypto'
import { PythonRandom } from '../../util/python-random.ts'

export interface HalfRule {
  /** Column whose values are halved one by one. */
  readonly by: string
  readonly values: readonly string[]
  readonly seed: number
  /** SHA-256 (hex) of all rows, each as its id, a tab and its value, joined by line breaks. */
  readonly rows: string
}

export interface HalvedRow {
  readonly id: string
  readonly value: string
}

/**
 * Ids of the second half: the rows of each value are shuffled as `random.shuffle` of Python does, after one
 * `random.seed(seed)`, and of each the first half, rounded up, is left out. Undefined where the rows, their
 * values or their order are not those that the rule is for.
 */
export function secondHalf(rows: readonly HalvedRow[], rule: HalfRule): ReadonlySet<string> | undefined {
  const lines = rows.map(({ id, value }) => `${id}\t${value}`)
  if (createHash('sha256').update(lines.join('\n')).digest('hex') !== rule.rows) return undefined
  const random = new PythonRandom(rule.seed)
  return new Set(
    rule.values.flatMap((value) => {
      const members = rows.filter((row) => row.value === value).map(({ id }) => id)
      return random.shuffled(members).slice(Math.ceil(members.length / 2))
    }),
  )
}
