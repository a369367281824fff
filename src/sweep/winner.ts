/** @file A trial as a recipe: the sweep's recipe with the trial's values written in, its comments kept. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { Document, isCollection, isScalar, parseDocument } from 'yaml'
import type { Params } from '../plugin/contract.ts'
import { canonicalJson } from '../recipe/hash.ts'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { looksLikePath, relocate } from '../recipe/relocate.ts'
import { writeAtomically } from '../util/atomic.ts'
import { overridesOf } from './probe.ts'

export interface Winner {
  /** The recipe that the sweep changed, absolute. */
  readonly recipe: string
  readonly params: Params
  /** Where relative paths among the values start. */
  readonly cwd: string
  readonly name: string
  /** Lines for the head of the file. */
  readonly comment: string
}

/**
 * Writes the recipe to `file` and reads it again: it must be what the trial ran. Where the values cannot be written
 * into the recipe's own text (it takes the place from a recipe below), the whole resolved recipe is written.
 */
export async function writeWinner(winner: Winner, file: string): Promise<void> {
  const params = absolutePaths(winner.params, winner.cwd)
  const wanted = await loadRecipe(winner.recipe, overridesOf(params))
  const text = written(wanted, params, winner.name, path.dirname(file))
  await write(file, comment(winner.comment) + text)
  if (sameAs(wanted, await loadRecipe(file).catch(() => undefined))) return
  const whole = new Document({ ...(located(wanted, wanted.recipe) as object), name: winner.name })
  await write(file, comment(winner.comment) + relocate(String(whole), path.dirname(file), path.dirname(file)))
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await writeAtomically(file, (draft) => draft.write(text))
}

function comment(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .concat('', '')
    .join('\n')
}

/** The recipe's own text with the values in place. */
function written({ source, file }: ResolvedRecipe, params: Params, name: string, to: string): string {
  const from = path.dirname(file)
  const document = parseDocument(relocate(source, from, to))
  document.set('name', name)
  // What replaces goes before what lies inside.
  const paths = Object.keys(params).sort((a, b) => a.split('.').length - b.split('.').length)
  for (const at of paths) place(document, at.split('.'), params[at])
  return String(document).replace(/^(# yaml-language-server: \$schema=).*$/m, '$1.medtune/recipe.schema.json')
}

function place(document: ReturnType<typeof parseDocument>, keys: readonly string[], value: unknown): void {
  for (let depth = 1; depth < keys.length; depth++) {
    const holder = keys.slice(0, depth)
    const node = document.getIn(holder, true)
    if (isCollection(node)) continue
    // A stage as a bare name, or one that is not written yet.
    const bare = isScalar(node) && typeof node.value === 'string' ? { use: node.value } : {}
    document.setIn(holder, document.createNode(bare))
  }
  document.setIn(keys, document.createNode(value, { flow: true }))
}

/** Values that name a file beside the sweep, made absolute. */
function absolutePaths(params: Params, cwd: string): Params {
  return Object.fromEntries(
    Object.entries(params).map(([at, value]) => [
      at,
      absolute(value, at.split('.').at(-1)!, (text) => path.resolve(cwd, text)),
    ]),
  )
}

function absolute(value: unknown, key: string, resolve: (text: string) => string): unknown {
  if (typeof value === 'string') {
    const file = resolve(value)
    return looksLikePath(value, key) && existsSync(file) ? file : value
  }
  if (Array.isArray(value)) return value.map((item) => absolute(item, key, resolve))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, absolute(child, name, resolve)]),
  )
}

/** A part of a recipe with every path that exists made absolute, each from where it was written. */
function located(resolved: ResolvedRecipe, value: unknown, at = ''): unknown {
  const below = (key: string): string => (at === '' ? key : `${at}.${key}`)
  if (Array.isArray(value)) return value.map((item, i) => located(resolved, item, below(String(i))))
  if (typeof value !== 'object' || value === null)
    return absolute(value, at.split('.').at(-1)!, (text) => path.resolve(resolved.baseDir(at), text))
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, located(resolved, child, below(key))]),
  )
}

function sameAs(wanted: ResolvedRecipe, got: ResolvedRecipe | undefined): boolean {
  if (!got) return false
  const plain = (resolved: ResolvedRecipe): string =>
    canonicalJson({ ...(located(resolved, resolved.recipe) as object), name: '' })
  return plain(wanted) === plain(got)
}
