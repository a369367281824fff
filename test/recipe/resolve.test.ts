import path from 'node:path'
import { expect, test } from 'vitest'
import { createStage } from '../../src/recipe/create.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { folderOf, GOOD } from './folder.ts'

const load = (files: Record<string, string>, overrides: string[] = [], name = 'recipe.yaml') =>
  loadRecipe(path.join(folderOf(files), name), overrides)
const good = (overrides: string[] = [], text = GOOD) => load({ 'recipe.yaml': text }, overrides)

test('fills defaults in, at the top, in train and inside the chosen plugin', async () => {
  const { recipe } = await good()
  expect(recipe.seed).toBe(42)
  expect(recipe.train).toEqual({
    on_nonfinite: 'stop',
    recompute: 'auto',
    nonfinite_limit: 10,
    epochs: 1,
    batch_size: 8,
    accumulate: 1,
    max_length: 1024,
    over_length: 'truncate',
    pack: true,
    clip: 1,
    precision: 'auto',
    shuffle: true,
    order: 'stream',
  })
  expect(recipe.adapter).toMatchObject({ use: 'lora', rank: 8 })
  expect(recipe.optimizer).toMatchObject({ use: 'adamw', lr: 0.001, beta1: 0.9 })
  expect(recipe.schedule.use).toBe('linear')
  expect(recipe.compute.use).toBe('onnxruntime')
  expect(recipe.eval).toEqual([{ use: 'loss' }])
  expect([recipe.trackers, recipe.exports, recipe.plugins]).toEqual([[], [], []])
})

test('is frozen to its leaves', async () => {
  const { recipe } = await good()
  const holders: unknown[] = [recipe]
  for (const value of holders) {
    expect(Object.isFrozen(value)).toBe(true)
    for (const child of Object.values(value as object)) if (typeof child === 'object') holders.push(child)
  }
  expect(holders.length).toBeGreaterThan(12)
})

test('hashes what a recipe says, not how it is written', async () => {
  const { hash } = await good()
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  const lines = GOOD.trim().split('\n')
  const moved = [...lines.slice(10), ...lines.slice(0, 10), '# a comment', 'seed: 42'].join('\n')
  expect((await good([], moved)).hash).toBe(hash)
  expect((await good(['seed=43'])).hash).not.toBe(hash)
  expect((await good(['seed=42'])).hash).toBe(hash)
})

test('keeps the source as written', async () => {
  expect((await good(['adapter.rank=4'])).source).toBe(GOOD)
})

test('takes its file name where a recipe has no name', async () => {
  const { recipe } = await load(
    { 'my recipe (2).yaml': GOOD.replace('name: good\n', '') },
    [],
    'my recipe (2).yaml',
  )
  expect(recipe.name).toBe('my-recipe-2-')
})

test('reads YAML 1.2: yes is text, 1e-3 a number, anchors and aliases are followed', async () => {
  const text = GOOD.replace('"{question}"', '&q yes').replace('"{answer}"', '*q')
  const { recipe } = await good([], text)
  expect(recipe.template).toMatchObject({ user: 'yes', model: 'yes' })
  expect(recipe.optimizer.lr).toBe(0.001)
})

test('extends: mappings merge, lists are replaced, another plugin drops the old options but not the common ones', async () => {
  const { recipe, baseDir, file } = await load({
    'base/one.yaml': GOOD,
    'base/two.yaml': 'extends: one.yaml\nadapter: { alpha: 64 }\neval: [{ use: loss, name: a }]\n',
    'recipe.yaml':
      'extends: [./base/two.yaml]\nname: child\ntemplate: { use: plain, text: "{text}" }\ndataset: { path: other.jsonl }\n',
  })
  expect(recipe.name).toBe('child')
  expect(recipe.adapter).toMatchObject({ rank: 8, alpha: 64 })
  expect(recipe.eval).toEqual([{ use: 'loss', name: 'a' }])
  expect(recipe.template).toMatchObject({ use: 'plain', text: '{text}' })
  expect(recipe.template).not.toHaveProperty('user')
  expect(recipe.dataset).toMatchObject({ path: 'other.jsonl', holdout: 2 })
  expect(baseDir('dataset.path')).toBe(path.dirname(file))
  expect(baseDir('model.path')).toBe(path.join(path.dirname(file), 'base'))
})

test('extends a list: the later one wins', async () => {
  const { recipe } = await load({
    'a.yaml': GOOD,
    'b.yaml': 'adapter: { rank: 4 }\nseed: 7\n',
    'recipe.yaml': 'extends: [a.yaml, b.yaml]\nseed: 9\n',
  })
  expect(recipe.adapter.rank).toBe(4)
  expect(recipe.seed).toBe(9)
})

test('overrides set values by path, by index and whole', async () => {
  const overrides = [
    'adapter.rank=32',
    'eval=[loss, {use: loss, name: again}]',
    'eval.0.name=first',
    'train.steps=8',
    'template.user=a: b',
  ]
  const { recipe } = await good(overrides)
  expect(recipe.adapter.rank).toBe(32)
  expect(recipe.eval).toEqual([
    { use: 'loss', name: 'first' },
    { use: 'loss', name: 'again' },
  ])
  expect(recipe.train.steps).toBe(8)
  expect(recipe.template.user).toBe('a: b')
})

test.each([
  ['dataset.use=hub', 'dataset.repo=a/b', 'dataset.holdout=5'],
  ['dataset.repo=a/b', 'dataset.holdout=5', 'dataset.use=hub'],
  ['dataset.holdout=5', 'dataset=hub', 'dataset.repo=a/b'],
  ['dataset={use: hub, repo: a/b}', 'dataset.holdout=5'],
])('an override of use drops the old options, in any order: %s %s', async (...overrides) => {
  const { recipe } = await good(overrides)
  expect(recipe.dataset).toMatchObject({ use: 'hub', repo: 'a/b', holdout: 5 })
  expect(recipe.dataset).not.toHaveProperty('path', 'rows.jsonl')
})

test('an override of use keeps the common options that were written', async () => {
  const { recipe } = await good(['dataset.use=hub', 'dataset.repo=a/b'])
  expect(recipe.dataset.holdout).toBe(2)
})

test('the last of two overrides of one key wins', async () => {
  expect((await good(['seed=1', 'seed=2'])).recipe.seed).toBe(2)
})

test('places a later mistake where the option was written, else at what holds it', async () => {
  const resolved = await good(['adapter.alpha=3'])
  const at = (where: string) => resolved.error(where, 'x').problems[0]
  expect(at('dataset.path')).toMatchObject({ line: 5, col: 9, path: 'dataset.path', message: 'x' })
  expect(at('adapter.targets')).toMatchObject({ line: 11, col: 1 })
  expect(at('adapter.alpha')).toMatchObject({ override: 'adapter.alpha=3' })
  expect(at('schedule.warmup')).toMatchObject({ line: 1, col: 1 })
})

test('createStage gives a plugin its own options and resolves paths from where they were written', async () => {
  const folder = folderOf({
    'shared/base.yaml': GOOD.replace('use: jsonl\n  path: rows.jsonl', 'use: probe\n  path: rows.jsonl'),
    'recipe.yaml': 'extends: shared/base.yaml\nplugins: [./probe.mjs]\n',
    'probe.mjs': `class OptionError extends Error { name = 'OptionError'; path = 'path' }
export default { kind: 'dataset', name: 'probe', summary: '', options: { type: 'object', additionalProperties: false,
  properties: { path: { type: 'string' }, fail: { type: 'boolean', default: false } } },
  create: (options, context) => { if (options.fail) throw new OptionError('no good'); context.warn('probe', context.resolvePath(options.path)); return { options, context } } }`,
  })
  const warnings: string[][] = []
  const make = async (...overrides: string[]) =>
    createStage(await loadRecipe(path.join(folder, 'recipe.yaml'), overrides), 'dataset', 'dataset', (...w) =>
      warnings.push(w),
    )
  const made = (await make()) as unknown as { options: unknown; context: { recipeDir: string; seed: number } }
  expect(made.options).toEqual({ path: 'rows.jsonl', fail: false })
  expect(made.context).toMatchObject({ recipeDir: folder, seed: 42 })
  await make('dataset.path=mine.jsonl')
  expect(warnings).toEqual([
    ['probe', path.join(folder, 'shared/rows.jsonl')],
    ['probe', path.resolve('mine.jsonl')],
  ])
  await expect(make('dataset.fail=true')).rejects.toMatchObject({
    name: 'RecipeError',
    problems: [
      {
        file: path.join(folder, 'shared/base.yaml'),
        line: 5,
        col: 9,
        path: 'dataset.path',
        message: 'no good',
      },
    ],
  })
})
