/** @file `medtune init`: a shipped recipe as a file of one's own, with the few changes that are asked for on a terminal. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isScalar, parseDocument, visit } from 'yaml'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { nearest } from '../util/nearest.ts'
import { UsageError } from './failure.ts'
import { applyChanges, applyEdits, type Edit, written } from './init/edit.ts'

/** Where an editor looks for the schema, beside the recipe. */
const SCHEMA = '.medtune/recipe.schema.json'
const SCHEMA_LINE = /^(# yaml-language-server: \$schema=).*$/m

interface InitOptions {
  readonly out?: string
  readonly yes?: boolean
}

export async function init(name: string, options: InitOptions): Promise<number> {
  const shipped = shippedRecipes()
  const file = shipped.get(name)
  if (!file) {
    const hint = nearest(name, shipped.keys())
    const names = [...shipped.keys()].join(', ')
    throw new UsageError(
      `no recipe named "${name}" ships with medtune${hint ? `; did you mean "${hint}"` : ''}; there are: ${names}`,
    )
  }
  const out = path.resolve(options.out ?? `${name}.yaml`)
  // Asked about before the questions, which would be answered for nothing.
  if (existsSync(out)) throw existsAlready(out)
  const copied = relocate(readFileSync(file, 'utf8'), path.dirname(file), path.dirname(out)).replace(
    SCHEMA_LINE,
    `$1${SCHEMA}`,
  )
  const text = await asked(copied, path.dirname(out), options.yes === true)
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
  const folder = path.relative(process.cwd(), path.join(path.dirname(out), SCHEMA))
  process.stdout.write(
    `wrote ${shown}\n  medtune run ${isPath(shown) ? shown : `./${shown}`}\n  medtune schema --out ${folder}   (help from your editor)\n`,
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

/** The text with every relative path that exists beside the original made relative to the copy; comments stay. */
function relocate(text: string, from: string, to: string): string {
  const edits: Edit[] = []
  visit(parseDocument(text), {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string' || !node.range) return
      const target = path.resolve(from, node.value)
      if (!/[/.]/.test(node.value) || !existsSync(target)) return
      const relative = path.relative(to, target).replaceAll(path.sep, '/')
      const moved = relative.startsWith('.') ? relative : `./${relative}`
      edits.push({ start: node.range[0], end: node.range[1], text: written(moved) })
    },
  })
  return applyEdits(text, edits)
}
