import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { evaluate } from '../../src/evaluate.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { smallProject } from './project.ts'

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('planted rows are found, listed, told of, and dropped where the recipe says so', async () => {
  const project = await smallProject()
  // Ten of 24 rows ask what the evaluation asks.
  const questions = Array.from({ length: 20 }, (_, i) => ({
    id: `q${i}`,
    question: `what is the colour of the thing that has number ${i} on it?`,
    options: ['red', 'green'],
    answer: 0,
  }))
  const rows = Array.from({ length: 24 }, (_, i) => ({
    q: i % 2 === 0 && i < 20 ? `Say: ${questions[i]!.question.toUpperCase()} Quick.` : `colour ${i}?`,
    a: 'red',
  }))
  const write = (name: string, list: readonly object[]) =>
    writeFileSync(join(project, name), list.map((row) => `${JSON.stringify(row)}\n`).join(''))
  write('rows.jsonl', rows)
  write('questions.jsonl', questions)
  const planted = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]
  const attempt = async (mode: string) =>
    run(
      await loadRecipe(join(project, 'recipe.yaml'), [
        'dataset.holdout=1',
        `dataset.decontaminate=${mode}`,
        'train.steps=1',
      ]),
      { runsDir: join(project, `runs-${mode}`) },
    )

  const warned = await attempt('warn')
  expect(warned.contamination).toMatchObject({ dropped: false, items: { colours: { of: 20 } } })
  const listed = lines(join(warned.folder, 'contamination.jsonl'))
  const found = [...new Set(listed.map(({ row }) => row))]
  // One row of 24 is held out and may be one of them.
  expect(planted.filter((row) => found.includes(row)).length).toBeGreaterThanOrEqual(9)
  expect(found.every((row) => planted.includes(row))).toBe(true)
  expect(listed[0]).toEqual({ row: found[0], evaluation: 'colours', id: `q${found[0]! - 1}`, by: '13-gram' })
  expect(warned.warnings.map(({ code }) => code)).toContain('contamination')
  expect(warned.census.train.rows).toBe(23)
  const { clean, tuned } = warned.eval.colours!
  expect(clean).toMatchObject({ left_out: found.length, tuned: { n: 20 - found.length } })
  expect(tuned.n).toBe(20)

  const dropped = await attempt('drop')
  expect(dropped.contamination).toMatchObject({ rows: found.length, of: 23, dropped: true })
  expect(dropped.census.train.rows).toBe(23 - found.length)
  expect(dropped.eval.colours!.clean).toBeUndefined()

  // A run that is asked afterwards, by whatever evaluation, is searched alike.
  const cleanOf = async (folder: string) => {
    const told: string[] = []
    const asked = { use: 'multiple-choice', name: 'later', path: join(project, 'questions.jsonl') }
    const onWarning = (message: string) => void told.push(message)
    const { compared, scores } = await evaluate(folder, { evaluations: [asked], onWarning })
    const left = compared!.later!.clean?.left_out
    expect(scores.later!.clean?.left_out).toBe(left)
    return [left, ...told]
  }
  const trained = 'of its items are in the rows that the run was trained on'
  expect(await cleanOf(warned.folder)).toEqual([found.length, `later: ${found.length} ${trained}`])
  expect(await cleanOf(dropped.folder)).toEqual([undefined])
  writeFileSync(join(project, 'rows.jsonl'), '')
  expect(await cleanOf(warned.folder)).toEqual([
    undefined,
    expect.stringMatching(/^the run's rows cannot be searched for the items: .*rows\.jsonl: holds no rows/),
  ])
  // Rows that were changed since are not those that it was trained on, whatever is found in them.
  write('rows.jsonl', [...rows.slice(0, -1), { q: 'colour 99?', a: 'red' }])
  expect(await cleanOf(warned.folder)).toEqual([
    undefined,
    expect.stringMatching(
      /^the run's rows cannot be searched for the items: .*rows\.jsonl is not what it was since the run; `medtune runs verify/,
    ),
  ])
  // The row that is held out is still the same one.
  const { scores } = await evaluate(warned.folder, { evaluations: [{ use: 'loss' }] })
  expect(scores.loss!.scores.n).toBe(1)
  write('rows.jsonl', rows.toReversed())
  await expect(evaluate(warned.folder, { evaluations: [{ use: 'loss' }] })).rejects.toThrow(
    /the held-out rows are not those that the run kept out of training/,
  )
  write('rows.jsonl', rows)
  expect(await cleanOf(warned.folder)).toEqual([found.length, `later: ${found.length} ${trained}`])
  // As where a revision of the Hub moved on: what the run read is still there, and another file is read.
  write('then.jsonl', rows)
  const record = join(warned.folder, 'run.json')
  writeFileSync(record, readFileSync(record, 'utf8').replace('/rows.jsonl"', '/then.jsonl"'))
  expect(await cleanOf(warned.folder)).toEqual([
    undefined,
    expect.stringMatching(
      /cannot be searched for the items: \S*rows\.jsonl is read now, which the run did not read/,
    ),
  ])

  const unseen = await attempt('off')
  expect(unseen.contamination).toBeUndefined()
  expect(unseen.census.train.rows).toBe(23)
})
