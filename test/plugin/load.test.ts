import { cpSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { BUILT_INS } from '../../plugins/index.ts'
import type { Plugin } from '../../src/plugin/index.ts'
import { builtIns } from '../../src/plugin/load.ts'
import type { RecipeError } from '../../src/recipe/errors.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { folderOf, GOOD } from '../recipe/folder.ts'

const EXAMPLE = fileURLToPath(new URL('../fixtures/medtune-plugin-example', import.meta.url))
const OPTIONS = `{ type: 'object', properties: {}, additionalProperties: false }`
const plugin = (kind: string, name: string, more = '') =>
  `{ kind: '${kind}', name: '${name}', summary: 'x', options: ${OPTIONS}, create: () => ({}), ${more} }`

test('every built-in lies at the path of its kind and name, and its origin is its module', async () => {
  const registry = await builtIns()
  expect(BUILT_INS.length).toBeGreaterThan(10)
  for (const { path: at, load } of BUILT_INS) {
    const plugins = [(await load()).default].flat() as readonly Plugin[]
    // A module of several is named after what they are.
    expect(plugins.length > 1 ? 'eval/medical' : `${plugins[0]!.kind}/${plugins[0]!.name}`).toBe(at)
    for (const { kind, name } of plugins) {
      const { module } = registry.origin(kind, name)
      const again: { default: unknown } = await import(/* @vite-ignore */ module)
      expect([again.default].flat()).toContainEqual(expect.objectContaining({ kind, name }))
    }
  }
})

const recipe = (plugins: string) => `plugins: [${plugins}]
model: { use: gemma3, path: model }
dataset: { use: example-sums, rows: 3 }
template: example-equation
`

test.each(['package', 'path'])(
  'a third-party plugin is found by %s, with its name and version',
  async (how) => {
    const folder = folderOf({
      'recipes/deep/recipe.yaml': recipe(how === 'path' ? '../../local/index.js' : 'medtune-plugin-example'),
    })
    cpSync(EXAMPLE, path.join(folder, how === 'path' ? 'local' : 'node_modules/medtune-plugin-example'), {
      recursive: true,
    })
    const resolved = await loadRecipe(path.join(folder, 'recipes/deep/recipe.yaml'))
    expect(resolved.recipe.dataset).toEqual({
      use: 'example-sums',
      rows: 3,
      sign: '+',
      holdout: 0,
      decontaminate: 'warn',
    })
    expect(resolved.recipe.template).toEqual({ use: 'example-equation' })
    expect(resolved.registry.origin('dataset', 'example-sums')).toMatchObject({
      package: 'medtune-plugin-example',
      version: '1.2.3',
    })
    expect(resolved.registry.origin('template', 'example-equation').module).toMatch(/^file:.*index\.js$/)
  },
)

test('a plugin may be one CommonJS export, or a package that answers only to import', async () => {
  const folder = folderOf({
    'recipe.yaml': `${recipe('./one.cjs, only-import')}`
      .replace('example-sums, rows: 3', 'one')
      .replace('example-equation', 'two'),
    'one.cjs': `module.exports = ${plugin('dataset', 'one')}`,
    'node_modules/only-import/package.json': JSON.stringify({
      name: 'only-import',
      version: '0.0.1',
      type: 'module',
      exports: { '.': { import: './a.js' } },
    }),
    'node_modules/only-import/a.js': `export default ${plugin('template', 'two')}`,
  })
  const { registry } = await loadRecipe(path.join(folder, 'recipe.yaml'))
  expect(registry.get('dataset', 'one').name).toBe('one')
  expect(registry.origin('template', 'two')).toMatchObject({ package: 'only-import', version: '0.0.1' })
})

test.each([
  ['is not installed', 'no-such-plugin-pkg', '', /no package "no-such-plugin-pkg" is installed.*npm install/],
  ['is a path that does not exist', './nowhere.js', '', /"\.\/nowhere\.js" does not exist/],
  ['throws as it loads', './p.mjs', 'throw new Error("boom")', /does not load: boom/],
  ['is no JavaScript', './p.mjs', 'export default {{', /does not load/],
  ['has no default export', './p.mjs', 'export const x = 1', /the default export is undefined/],
  ['exports an empty list', './p.mjs', 'export default []', /empty list/],
  ['has no kind', './p.mjs', 'export default { name: "x" }', /kind undefined is unknown/],
  ['has no create', './p.mjs', `export default ${plugin('dataset', 'p', 'create: 1')}`, /no create function/],
  [
    'leaves its options open',
    './p.mjs',
    `export default ${plugin('dataset', 'p', "options: { type: 'object', properties: {} }")}`,
    /additionalProperties: false/,
  ],
  [
    'has options that are no schema',
    './p.mjs',
    `export default ${plugin('dataset', 'p', "options: { type: 'object', properties: { a: { type: 'strin' } }, additionalProperties: false }")}`,
    /options of dataset "p" are no JSON Schema/,
  ],
  [
    'takes the name of a built-in',
    './p.mjs',
    `export default ${plugin('template', 'gemma')}`,
    /two plugins claim template "gemma": file:.*gemma\.ts and file:.*p\.mjs/,
  ],
])('a plugin that %s is a mistake at its entry', async (_, name, code, message) => {
  const folder = folderOf({
    'recipe.yaml': `${GOOD}plugins: [${name}]\n`,
    ...(code ? { 'p.mjs': code } : {}),
  })
  const error: RecipeError = await loadRecipe(path.join(folder, 'recipe.yaml')).catch((thrown) => thrown)
  expect(error.problems, String(error)).toHaveLength(1)
  expect(error.problems[0]).toMatchObject({ line: 16, col: 11, path: 'plugins.0' })
  expect(error.problems[0]!.message).toMatch(message)
})
