/** @file What docs/ shows as an example is run, so that a page cannot fall behind the code. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { formatProblem, type RecipeError } from '../../src/recipe/errors.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { makeModel } from '../helpers/make-model.ts'
import { tempFolder } from '../helpers/temp.ts'
import { writeTinyTokenizer } from '../helpers/tiny-tokenizer.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** The fenced blocks of a page in one language, in order. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(path.join(root, 'docs', page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, lang]) => lang === language)
    .map(([, , b]) => b!)
}

it('docs/plugin.md: its four plugins train and score a model in the recipe that it shows', async () => {
  const folder = tempFolder()
  process.env.MEDTUNE_CACHE = path.join(folder, 'cache')
  const examples = blocks('plugin.md', 'js')
  const names = examples.map((text) => /^\/\/ (\S+\.js)\n/.exec(text)?.[1])
  expect(names).toEqual(['lines.js', 'half.js', 'interview.js', 'prefers.js'])
  for (const [i, text] of examples.entries()) writeFileSync(path.join(folder, names[i]!), text)
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(root, path.join(folder, 'node_modules/medtune'), 'dir')
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
  const vocabulary = await writeTinyTokenizer(path.join(folder, 'model'))
  await makeModel(path.join(folder, 'model'), { config: { vocab_size: Object.keys(vocabulary).length } })
  const sums = Array.from({ length: 8 }, (_, i) => `What is ${i} and 1? => ${i + 1}\n`)
  writeFileSync(path.join(folder, 'sums.txt'), sums.join(''))
  writeFileSync(path.join(folder, 'pairs.jsonl'), '{"question":"What is 9 and 1?","good":"10","bad":"red"}\n')
  writeFileSync(path.join(folder, 'recipe.yaml'), blocks('plugin.md', 'yaml').at(-1)!)

  const load = () => loadRecipe(path.join(folder, 'recipe.yaml'), ['adapter.rank=4'])
  const report = await run(await load(), { runsDir: folder })

  expect(report.train.steps).toBe(2)
  expect(report.census).toMatchObject({ train: { rows: 6, documents: 6 }, holdout: { rows: 2 } })
  expect(report.eval.prefers).toMatchObject({ metric: 'preferred', tuned: { n: 1 } })
  const steps = readFileSync(path.join(report.folder, 'events.jsonl'), 'utf8').match(/"lr":[^,]*/g)
  expect(steps).toEqual(expect.arrayContaining(['"lr":0.0002', '"lr":0.00002']))
  writeFileSync(path.join(folder, 'sums.txt'), 'no answer here\n')
  await expect(run(await load(), { runsDir: folder })).rejects.toThrow(/sums\.txt:1: has no "=>"/)
})

it('docs/recipe.md: the broken recipe is answered as it says', async () => {
  const folder = tempFolder()
  const broken = blocks('recipe.md', 'yaml').find((text) => text.startsWith('name: my tune\n'))!
  const told = blocks('recipe.md', 'text').find((text) => text.startsWith('my.yaml:1:7'))!
  writeFileSync(path.join(folder, 'my.yaml'), broken)
  const error: RecipeError = await loadRecipe(path.join(folder, 'my.yaml')).catch((problem) => problem)
  const lines = error.problems.map((problem) => formatProblem(problem, folder))
  expect(lines.map((line) => line.replace(/allowed: .*/, 'allowed: ...'))).toEqual(told.trimEnd().split('\n'))
})

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

it('every link between the pages leads to a file and a heading that are there', () => {
  const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)]
  const text = new Map(
    pages
      .filter((page) => page.endsWith('.md'))
      .map((page) => [page, readFileSync(path.join(root, page), 'utf8')]),
  )
  const links = [...text].flatMap(([page, body]) =>
    [...body.matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].map(([, file, id]) => ({
      link: `${page}: ${file}#${id ?? ''}`,
      to: file === '' ? page : path.posix.join(path.posix.dirname(page), file!),
      id,
    })),
  )
  const dead = links.filter(({ to, id }) => {
    const headings = [...(text.get(to) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading!))
    return !existsSync(path.join(root, to)) || (id !== undefined && !headings.includes(id))
  })
  expect(links.length).toBeGreaterThan(40)
  expect(dead.map(({ link }) => link)).toEqual([])
})
