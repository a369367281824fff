/** @file Recipes: the shipped ones, damaged, and overrides of any kind. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { loadRecipe } from '../../../src/recipe/recipe.ts'
import { mutate, mutations } from '../mutate.ts'
import type { Target } from '../target.ts'

const RECIPES = fileURLToPath(new URL('../../../recipes', import.meta.url))

const TOKENS = [
  '&a ',
  '*a',
  '<<: *a\n',
  '!!binary ',
  '!!js/function "x"',
  '!!set {a, b}',
  '!include x',
  '---\n',
  '...\n',
  '? ',
  '- ',
  ': ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '|\n',
  '>-\n',
  '#',
  '%YAML 1.1\n',
  '~',
  '.nan',
  '.inf',
  'use: ',
  'extends: recipe.yaml\n',
  'extends: [a, b]\n',
  'plugins: [./x.js]\n',
  'path: ',
  'train:\n  ',
  'eval: ',
  '  ',
]
const PATHS = [
  'adapter.rank',
  'eval.0.limit',
  'train',
  'a.b.c',
  '__proto__.x',
  'constructor.prototype.x',
  'eval[0]',
  '',
  '.',
  'plugins.0',
]
const VALUES = ['1', '{', '[1, 2]', '{ use: lora }', '&a [*a]', '', ' ', '=', '!!js x', 'null', '1e400', "'"]

const target: Target<{ file: string; list: Parameters<typeof mutate>[1]; overrides: string[] }> = {
  async open(folder) {
    const files = readdirSync(RECIPES).filter((name) => name.endsWith('.yaml'))
    cpSync(RECIPES, folder, { recursive: true })
    const originals = new Map(files.map((name) => [name, readFileSync(join(RECIPES, name))]))
    const override = fc
      .tuple(
        fc.oneof(fc.constantFrom(...PATHS), fc.string({ maxLength: 10 })),
        fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: 'binary', maxLength: 10 })),
      )
      .map(([path, value]) => `${path}=${value}`)
    return {
      cases: fc.record({
        file: fc.constantFrom(...files),
        list: mutations(TOKENS),
        overrides: fc.array(override, { maxLength: 2 }),
      }),
      async attempt({ file, list, overrides }) {
        const changed = join(folder, file)
        writeFileSync(changed, mutate(originals.get(file)!, list))
        try {
          await loadRecipe(changed, overrides)
          return false
        } finally {
          writeFileSync(changed, originals.get(file)!)
        }
      },
    }
  },
}
export default target
