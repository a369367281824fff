/** @file From what a user calls a recipe to the text of its file. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { isFolder } from '../util/is-folder.ts'
import { meantFolder } from '../util/meant-folder.ts'
import { nearest } from '../util/nearest.ts'
import { packageRoot } from '../util/package.ts'
import type { Place, Problem } from './errors.ts'

const MAX_BYTES = 1_000_000

/** Whether a target names a file; anything else is the bare name of a recipe that ships in the package. */
export function isPath(target: string): boolean {
  return /[/\\]/.test(target) || /\.ya?ml$/i.test(target)
}

/** Whether a target is meant as a recipe where it may also be a run, a model or a repository (`owner/name`). */
export function isRecipe(target: string): boolean {
  if (isFolder(target)) return false
  return /\.ya?ml$/i.test(target) || !isPath(target) || shippedRecipes().has(target)
}

/** A sort of YAML files: what one is called in an error, and the folder of the package that has some. */
export interface FileSort {
  readonly what: string
  readonly folder: string
}
export const RECIPES: FileSort = { what: 'recipe', folder: 'recipes' }

/** The recipes that ship in the package: bare name -> file. */
export function shippedRecipes(): ReadonlyMap<string, string> {
  return shippedFiles(RECIPES)
}

/** The files of a sort that ship in the package: bare name -> file. */
export function shippedFiles(sort: Pick<FileSort, 'folder'>): ReadonlyMap<string, string> {
  const folder = path.join(packageRoot(), sort.folder)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : []
  return new Map(names.sort().map((name) => [name.slice(0, -'.yaml'.length), path.join(folder, name)]))
}

/**
 * The file behind a target, absolute.
 * @param dir where a relative path starts
 * @param place what a problem names; left out, the target itself
 */
export function findRecipe(
  target: string,
  dir: string,
  problems: Problem[],
  place?: Place,
  at = '',
  sort = RECIPES,
): string | undefined {
  if (isPath(target)) return path.resolve(dir, target)
  const shipped = shippedFiles(sort)
  const file = shipped.get(target)
  if (file) return file
  const beside = ['.yaml', '.yml']
    .map((extension) => target + extension)
    .find((name) => existsSync(path.join(dir, name)))
  const run = path.join('runs', target)
  const suggestion = beside ? `./${beside}` : existsSync(run) ? run : nearest(target, shipped.keys())
  problems.push({
    ...(place ?? { file: path.resolve(dir, target), line: 1, col: 1 }),
    path: at,
    message: `no ${sort.what} named ${JSON.stringify(target)} ships with medtune (a file's name ends in .yaml or has a slash)`,
    ...(suggestion ? { suggestion } : {}),
    allowed: [...shipped.keys()],
  })
  return undefined
}

/** The text of a recipe file; a problem, at `place` or at the file's start, where there is none. */
export function readRecipe(
  file: string,
  problems: Problem[],
  place?: Place,
  at = '',
  { what } = RECIPES,
): string | undefined {
  const fail = (message: string, suggestion?: string): undefined => {
    const where = place ?? { file, line: 1, col: 1 }
    problems.push({ ...where, path: at, message, ...(suggestion ? { suggestion } : {}) })
  }
  const name = place ? JSON.stringify(path.relative(path.dirname(place.file), file)) : 'the file'
  let bytes: Buffer
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) {
      const hint = meantFolder(path.relative(process.cwd(), file) || '.')
      return fail(`${name} is a folder, not a ${what} file${hint}`, hint === '' ? recipeIn(file) : undefined)
    }
    if (!stat.isFile()) return fail(`${name} is not a regular file`)
    if (stat.size > MAX_BYTES)
      return fail(`${name} has ${stat.size} bytes; a ${what} has at most ${MAX_BYTES}`)
    bytes = readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return fail(`${name} does not exist`, neighbour(file))
    return fail(
      code === 'EACCES' ? `${name} may not be read: permission denied` : `${name} cannot be read: ${message}`,
    )
  }
  return decode(bytes, file, problems, what)
}

function decode(bytes: Buffer, file: string, problems: Problem[], what: string): string | undefined {
  const text = bytes.toString('utf8')
  const bad = text.search(/[\0\u{FFFD}]/u)
  if (bad < 0) return text.startsWith('\u{FEFF}') ? text.slice(1) : text
  const before = text.slice(0, bad).split('\n')
  const place = { file, line: before.length, col: before.at(-1)!.length + 1 }
  problems.push({ ...place, path: '', message: `this is not UTF-8 text; a ${what} is a YAML file` })
  return undefined
}

function neighbour(file: string): string | undefined {
  const folder = path.dirname(file)
  const names = recipesIn(folder)
  const near = nearest(path.basename(file), names)
  return near && path.join(path.relative(process.cwd(), folder) || '.', near)
}

/** Shown instead of a folder that was given for a file. */
function recipeIn(folder: string): string | undefined {
  const name = recipesIn(folder)[0]
  return name && path.join(path.relative(process.cwd(), folder) || '.', name)
}

function recipesIn(folder: string): readonly string[] {
  if (!isFolder(folder)) return []
  return readdirSync(folder).filter((name) => /\.ya?ml$/i.test(name))
}
