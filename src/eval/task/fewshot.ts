/** @file Few-shot examples: which ones stand before a question, and how they read. The rule is lm-evaluation-harness's. */
import { PythonRandom } from '../../util/python-random.ts'
import type { FewshotSettings } from './definition.ts'
import type { TaskItem } from './items.ts'

/**
 * The examples before each of the items, drawn item after item from one generator, so that they are the ones that
 * the harness draws from the same rows.
 * @param own whether the pool is the items' own set: then none is its own example
 */
export function drawExamples(
  items: readonly TaskItem[],
  pool: readonly TaskItem[],
  count: number,
  { sampler, seed }: Pick<FewshotSettings, 'sampler' | 'seed'>,
  own: boolean,
): readonly (readonly TaskItem[])[] {
  const random = new PythonRandom(seed)
  const others = (drawn: readonly TaskItem[], item: TaskItem) =>
    drawn.filter((example) => !own || !sameItem(example, item)).slice(0, count)
  return items.map((item) => {
    if (sampler === 'first') return others(pool.slice(0, count + 1), item)
    return others(
      random.sample(pool.length, own ? count + 1 : count).map((index) => pool[index]!),
      item,
    )
  })
}

const sameItem = (a: TaskItem, b: TaskItem): boolean => a.prompt === b.prompt && a.reference === b.reference
