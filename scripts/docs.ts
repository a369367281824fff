/** @file Writes the tables of the built-in plugins into docs/recipe.md: npm run docs:plugins */
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { builtIns } from '../src/plugin/load.ts'
import { pluginTables, withTables } from './docs/plugin-tables.ts'

const PAGE = resolve(import.meta.dirname, '../docs/recipe.md')

const page = await readFile(PAGE, 'utf8')
const written = withTables(page, pluginTables(await builtIns()))
await writeFile(PAGE, written)
process.stdout.write(`docs/recipe.md: ${written === page ? 'was up to date' : 'written'}\n`)
