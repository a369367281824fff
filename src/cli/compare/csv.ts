/** @file A comparison for a spreadsheet or a script: one value a line. */
import type { Comparison } from '../../track/compare/compare.ts'
import { type Cell, toCsv } from '../../util/csv.ts'

/** Columns: section, key, run, what, value. */
export function comparisonCsv(comparison: Comparison): string {
  const { recipe, data, versions, machine, figures, evaluations, samples } = comparison
  const ids = comparison.runs.map(({ id }) => id)
  const spread = (
    section: string,
    rows: readonly { readonly key: string; readonly values: readonly Cell[] }[],
  ): Cell[][] =>
    rows.flatMap(({ key, values }) => values.map((value, i) => [section, key, ids[i], 'value', value]))
  const evals = evaluations.flatMap(({ name, metric, ...parts }) =>
    (['base', 'tuned', 'difference'] as const).flatMap((what) =>
      parts[what].flatMap((cell, i) =>
        Object.entries(cell ?? {}).flatMap(([key, value]): Cell[][] => {
          const at = ['evaluation', `${name}.${metric}`, ids[i]]
          if (!Array.isArray(value)) return [[...at, `${what}.${key}`, value as Cell]]
          return value.map((end, side) => [...at, `${what}.${key}.${side === 0 ? 'low' : 'high'}`, end])
        }),
      ),
    ),
  )
  const texts = samples.flatMap(({ evaluation, samples: list }) =>
    list.flatMap(({ id, prompt, reference, answers }): Cell[][] => [
      ['sample', `${evaluation}.${id}`, '', 'prompt', prompt],
      ['sample', `${evaluation}.${id}`, '', 'reference', reference],
      ...answers.flatMap((answer, i): Cell[][] =>
        answer
          ? [
              ['sample', `${evaluation}.${id}`, ids[i], 'answer', answer.text],
              ['sample', `${evaluation}.${id}`, ids[i], 'score', answer.score],
            ]
          : [],
      ),
    ]),
  )
  return toCsv([
    ['section', 'key', 'run', 'what', 'value'],
    ...spread('recipe', recipe),
    ...spread('data', data),
    ...spread('versions', versions),
    ...spread('machine', machine),
    ...spread('figure', figures),
    ...evals,
    ...texts,
  ])
}
