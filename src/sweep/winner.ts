/** @file A trial as a recipe: the sweep's recipe with the trial's values written in, its comments kept. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { Document, isCollection, isScalar, parseDocument } from 'yaml'
import type { Params } from '../plugin/contract.ts'
import { canonicalJson } from '../recipe/hash.ts'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { relocate } from '../recipe/relocate.ts'
import { writeAtomically } from '../util/atomic.ts'
import { absolutePaths, located } from './paths.ts'
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

function sameAs(wanted: ResolvedRecipe, got: ResolvedRecipe | undefined): boolean {
  if (!got) return false
  const plain = (resolved: ResolvedRecipe): string =>
    canonicalJson({ ...(located(resolved, resolved.recipe) as object), name: '' })
  return plain(wanted) === plain(got)
}
