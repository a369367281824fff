import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { pluginTables, withTables } from '../../scripts/docs/plugin-tables.ts'
import { builtIns } from '../../src/plugin/load.ts'
import { Registry } from '../../src/plugin/registry.ts'

const PAGES = [
  ['recipe', 'docs/recipe.md'],
  ['sweep', 'docs/sweeps.md'],
] as const

it.each(PAGES)(
  'the page of a %s, %s, shows the built-in plugins as "npm run docs:plugins" writes them',
  async (document, name) => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../..', name), 'utf8')
    expect(withTables(page, pluginTables(await builtIns(), document))).toBe(page)
  },
)

it.each(PAGES)('every option of a %s has a description to show', async (document) => {
  expect(pluginTables(await builtIns(), document)).not.toMatch(/\| {2}\|$/m)
})

it('a table says what is required, the default and the limits, and keeps bars inside their cell', () => {
  const registry = new Registry()
  const options = {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'A file | a folder.' },
      rate: { type: 'number', exclusiveMinimum: 0, maximum: 1, default: 0.5, description: 'How <fast>.' },
    },
    required: ['path'],
    additionalProperties: false,
  } as const
  const create = () => ({ async *read() {} })
  registry.add({ kind: 'dataset', name: 'x', summary: 'An X.', options, create }, { module: 'file:///x.js' })
  const tables = pluginTables(registry)
  expect(tables).toContain('| `path` | text | required | A file \\| a folder. |\n')
  expect(tables).toContain('| `rate` | a number, more than 0, at most 1 | `0.5` | How &lt;fast>. |\n')
  expect(tables).toContain('| `holdout` | a number, at least 0 | `0` |')
  expect(tables).not.toContain('### `model`')
})

it('a page without its two markers is refused', () => {
  expect(() => withTables('# Title\n', '')).toThrow(/must have/)
})
