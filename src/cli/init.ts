/** @file `medtune init`: a shipped recipe or sweep as a file of one's own, with the few changes that are asked for on a terminal. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { applyChanges } from '../recipe/edit.ts'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { relocate } from '../recipe/relocate.ts'
import { shippedSweeps } from '../sweep/find.ts'
import { isFolder } from '../util/is-folder.ts'
import { nearest } from '../util/nearest.ts'
import { UsageError } from './failure.ts'
import { readyOutFile } from './out-file.ts'

/** Where an editor looks for the schema, beside the file. */
const SCHEMA_LINE = /^(# yaml-language-server: \$schema=).*$/m

interface InitOptions {
  readonly out?: string
  readonly yes?: boolean
}

export async function init(name: string, options: InitOptions): Promise<number> {
  const sweeps = shippedSweeps()
  const shipped = new Map([...shippedRecipes(), ...sweeps])
  const file = shipped.get(name)
  if (!file) {
    const hint = nearest(name, shipped.keys())
    const names = [...shipped.keys()].join(', ')
    throw new UsageError(
      `no recipe or sweep named "${name}" ships with medtune${hint ? `; did you mean "${hint}"` : ''}; there are: ${names}`,
    )
  }
  const [command, schema] = sweeps.has(name)
    ? ['sweep', '.medtune/sweep.schema.json']
    : ['run', '.medtune/recipe.schema.json']
  const out = path.resolve(options.out ?? `${name}.yaml`)
  // Asked about before the questions, which would be answered for nothing.
  if (existsSync(out) && !isFolder(out)) throw existsAlready(out)
  readyOutFile(out)
  const copied = relocate(readFileSync(file, 'utf8'), path.dirname(file), path.dirname(out)).replace(
    SCHEMA_LINE,
    `$1${schema}`,
  )
  const text = await asked(copied, path.dirname(out), options.yes === true || sweeps.has(name))
  if (text === undefined) {
    process.stderr.write('nothing was written\n')
    return 130
  }
  try {
    writeFileSync(out, text, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw existsAlready(out)
    throw new UsageError(
      `${path.relative(process.cwd(), out)} cannot be written: ${(error as Error).message}`,
    )
  }
  const shown = path.relative(process.cwd(), out)
  const folder = path.relative(process.cwd(), path.join(path.dirname(out), schema))
  process.stdout.write(
    `wrote ${shown}\n  medtune ${command} ${isPath(shown) ? shown : `./${shown}`}\n  medtune schema ${command === 'sweep' ? '--sweep ' : ''}--out ${folder}   (help from your editor)\n`,
  )
  return 0
}

function existsAlready(out: string): UsageError {
  return new UsageError(`${path.relative(process.cwd(), out)} exists already; choose another name with --out`)
}

/** The recipe as the user wants it, where there is a user to ask; undefined where they broke off. */
async function asked(recipe: string, folder: string, yes: boolean): Promise<string | undefined> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return recipe
  const { askChanges } = await import('./init/questions.ts')
  const changes = await askChanges(recipe, folder)
  return changes && applyChanges(recipe, changes)
}
