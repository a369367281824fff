/** @file Small data sets and templates for the tests of this folder. */
import type { Dataset, Row, StageContext, Template } from 'medtune/plugin'
import gemma from '../../plugins/template/gemma.ts'

export function datasetOf(rows: readonly Row[]): Dataset {
  return {
    async *read() {
      yield* rows
    },
  }
}

export const context: StageContext = {
  recipeDir: '/',
  resolvePath: (path) => path,
  seed: 1,
  warn: () => {},
}

export const questions = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    q: `question ${i}?`,
    a: `the answer is ${i * 7} or ${'so '.repeat(i % 5)}on`,
  }))

export const gemmaTemplate = gemma.create({ user: '{q}', model: '{a}' }, context) as Template

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
