/** @file Writes the tables of the built-in plugins into docs/recipe.md and docs/sweeps.md: npm run docs:plugins */
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { builtIns } from '../src/plugin/load.ts'
import { pluginTables, withTables } from './docs/plugin-tables.ts'

const PAGES = { recipe: 'docs/recipe.md', sweep: 'docs/sweeps.md' } as const

const registry = await builtIns()
for (const document of ['recipe', 'sweep'] as const) {
  const file = resolve(import.meta.dirname, '..', PAGES[document])
  const page = await readFile(file, 'utf8')
  const written = withTables(page, pluginTables(registry, document))
  await writeFile(file, written)
  process.stdout.write(`${PAGES[document]}: ${written === page ? 'was up to date' : 'written'}\n`)
}
