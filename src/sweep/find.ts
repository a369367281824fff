/** @file From what a user calls a sweep to its file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { RecipeError } from '../recipe/errors.ts'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { nearest } from '../util/nearest.ts'
import { packageRoot } from '../util/package.ts'

/** The sweeps that ship in the package: bare name -> file. */
export function shippedSweeps(): ReadonlyMap<string, string> {
  const folder = path.join(packageRoot(), 'recipes', 'sweeps')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : []
  return new Map(names.sort().map((name) => [name.slice(0, -'.yaml'.length), path.join(folder, name)]))
}

/** The file behind a target, absolute. @throws RecipeError for a name that no shipped sweep has */
export function findSweep(target: string): string {
  if (isPath(target)) return path.resolve(target)
  const shipped = shippedSweeps()
  const file = shipped.get(target)
  if (file) return file
  const suggestion = existsSync(`${target}.yaml`) ? `./${target}.yaml` : nearest(target, shipped.keys())
  throw new RecipeError([
    {
      file: path.resolve(target),
      line: 1,
      col: 1,
      path: '',
      message: `no sweep named ${JSON.stringify(target)} ships with medtune (a file's name ends in .yaml or has a slash)`,
      ...(suggestion ? { suggestion } : {}),
      allowed: [...shipped.keys()],
    },
  ])
}

/** Whether a target is a sweep and not a recipe. */
export function isSweepTarget(target: string): boolean {
  if (!isPath(target)) return shippedSweeps().has(target)
  try {
    return isSweepSource(readFileSync(target, 'utf8'))
  } catch {
    return false
  }
}

/** Whether a target is a recipe and not a sweep: it ships as one, or has keys that only a recipe has. */
export function isRecipeTarget(target: string): boolean {
  if (!isPath(target)) return !shippedSweeps().has(target) && shippedRecipes().has(target)
  try {
    const source = readFileSync(target, 'utf8')
    return !isSweepSource(source) && /^["']?(model|template|adapter|train|extends)["']?\s*:/m.test(source)
  } catch {
    return false
  }
}

/** Whether the text of a file describes a sweep and not a recipe: it names parameters to vary. */
export function isSweepSource(source: string): boolean {
  return /^["']?parameters["']?\s*:/m.test(source)
}
