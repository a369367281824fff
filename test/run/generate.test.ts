/** @file Generation inside a run: what an evaluation may ask, and samples while the model learns. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { RunEvent } from '../../src/plugin/contract.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { smallProject } from './project.ts'

let project: string

/** An evaluation of a third party: asks for text, and notes all that came back. */
const PLUGIN = `export default {
  kind: 'eval', name: 'answers', summary: 'Asks for text.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => ({
    async evaluate(subject) {
      const questions = ['colour 0?', 'colour 1?', 'colour 2?']
      const prompts = questions.map((question) => subject.encode(subject.template.prompt(question)).ids)
      const pieces = prompts.map(() => [])
      const told = await subject.generate(prompts, { max_tokens: 12, log_probs: true }, (text, i) => pieces[i].push(text))
      const again = await subject.generate(prompts, { max_tokens: 12 })
      const drawn = await subject.generate(prompts, { max_tokens: 12, temperature: 2, seed: 4 })
      const late = await subject.generate(prompts.slice(1), { max_tokens: 12, temperature: 2, seed: 4, first: 1 })
      const cut = await subject.generate(prompts, { max_tokens: 12, stop: ['e'] })
      const detail = (i) => ({
        told: told[i].text, pieces: pieces[i], again: again[i].text, ids: [...told[i].ids], finish: told[i].finish,
        logProbs: [...told[i].logProbs], drawn: [...drawn[i].ids], late: i > 0 ? [...late[i - 1].ids] : null, cut: cut[i],
      })
      return { metric: 'length', better: 'higher', items: questions.map((id, i) => ({ id, score: told[i].ids.length, weight: 1, detail: detail(i) })) }
    },
  }),
}
`

interface Line {
  readonly told: string
  readonly pieces: readonly string[]
  readonly again: string
  readonly ids: readonly number[]
  readonly finish: string
  readonly logProbs: readonly number[]
  readonly drawn: readonly number[]
  readonly late: readonly number[] | null
  readonly cut: { readonly text: string; readonly finish: string }
}

beforeAll(async () => {
  project = await smallProject()
  writeFileSync(join(project, 'answers.mjs'), PLUGIN)
  const colours = ['red', 'green', 'blue']
  const rows = Array.from({ length: 24 }, (_, i) => ({ q: `colour ${i % 3}?`, a: colours[i % 3] }))
  writeFileSync(join(project, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const text = readFileSync(join(project, 'recipe.yaml'), 'utf8').replace(
    /eval:[\s\S]*/,
    `eval: [answers]
plugins: [./answers.mjs]
samples: { every: 40, prompts: ["colour 1?", "colour 2?"], max_tokens: 8 }
`,
  )
  writeFileSync(
    join(project, 'recipe.yaml'),
    text.replace('steps: 6', 'steps: 80').replace('5e-2', '3e-2').replace('rank: 4', 'rank: 8'),
  )
})

test('an evaluation asks for text; samples tell what was learned', async () => {
  const events: RunEvent[] = []
  const report = await run(await loadRecipe(join(project, 'recipe.yaml')), {
    runsDir: join(project, 'runs'),
    onEvent: (event) => events.push(event),
  })
  const lines = (which: string): Line[] =>
    readFileSync(join(report.folder, 'eval', `answers.${which}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
  for (const detail of [...lines('base'), ...lines('tuned')]) {
    expect(detail.pieces.join('')).toBe(detail.told)
    expect(detail.again).toBe(detail.told)
    expect(detail.logProbs).toHaveLength(detail.ids.length)
    expect(Math.max(...detail.logProbs)).toBeLessThanOrEqual(0)
    expect(detail.cut.text).not.toContain('e')
    expect(detail.cut.text).toBe(detail.told.split('e')[0])
    // Drawn by the number of the prompt, not by its place in the batch.
    if (detail.late) expect(detail.late).toEqual(detail.drawn)
  }
  // It learned to answer with a colour and to end its turn there.
  const tuned = lines('tuned')
  expect(tuned.map(({ told }) => told)).toEqual(['red', 'green', 'blue'])
  expect(tuned.every(({ finish }) => finish === 'stop')).toBe(true)

  const samples = events.filter((event) => event.type === 'sample')
  expect([...new Set(samples.map(({ step }) => step))]).toEqual([0, 40, 80])
  expect(samples.slice(-2).map(({ prompt, text }) => [prompt, text])).toEqual([
    ['colour 1?', 'green'],
    ['colour 2?', 'blue'],
  ])
  expect(samples.slice(0, 2).map(({ text }) => text)).not.toContain('green')
})
