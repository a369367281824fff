/** @file `medtune init`: a shipped recipe as a file of one's own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isScalar, parseDocument, visit } from 'yaml'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { nearest } from '../util/nearest.ts'
import { UsageError } from './failure.ts'

/** Where an editor looks for the schema, beside the recipe. */
const SCHEMA = '.medtune/recipe.schema.json'
const SCHEMA_LINE = /^(# yaml-language-server: \$schema=).*$/m

export async function init(name: string, options: { out?: string }): Promise<number> {
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
  const text = relocate(readFileSync(file, 'utf8'), path.dirname(file), path.dirname(out)).replace(
    SCHEMA_LINE,
    `$1${SCHEMA}`,
  )
  try {
    writeFileSync(out, text, { flag: 'wx' })
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    const shown = path.relative(process.cwd(), out)
    throw new UsageError(
      exists
        ? `${shown} exists already; choose another name with --out`
        : `${shown} cannot be written: ${(error as Error).message}`,
    )
  }
  const shown = path.relative(process.cwd(), out)
  const folder = path.relative(process.cwd(), path.join(path.dirname(out), SCHEMA))
  process.stdout.write(
    `wrote ${shown}\n  medtune run ${isPath(shown) ? shown : `./${shown}`}\n  medtune schema --out ${folder}   (help from your editor)\n`,
  )
  return 0
}

/** The text with every relative path that exists beside the original made relative to the copy; comments stay. */
function relocate(text: string, from: string, to: string): string {
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = []
  visit(parseDocument(text), {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string' || !node.range) return
      const target = path.resolve(from, node.value)
      if (!/[/.]/.test(node.value) || !existsSync(target)) return
      const relative = path.relative(to, target).replaceAll(path.sep, '/')
      const moved = relative.startsWith('.') ? relative : `./${relative}`
      edits.push({ start: node.range[0], end: node.range[1], text: quote(moved) })
    },
  })
  return edits
    .reverse()
    .reduce((result, edit) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text)
}

/** Plain where YAML takes it as plain text. */
function quote(value: string): string {
  return /^[\w./@+-]+$/.test(value) ? value : JSON.stringify(value)
}
