/** @file Values and recipes whose paths mean the same from anywhere. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Params } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { looksLikePath } from '../recipe/relocate.ts'

/** Values that name a file beside the sweep, made absolute. */
export function absolutePaths(params: Params, cwd: string): Params {
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
export function located(resolved: ResolvedRecipe, value: unknown, at = ''): unknown {
  const below = (key: string): string => (at === '' ? key : `${at}.${key}`)
  if (Array.isArray(value)) return value.map((item, i) => located(resolved, item, below(String(i))))
  if (typeof value !== 'object' || value === null)
    return absolute(value, at.split('.').at(-1)!, (text) => path.resolve(resolved.baseDir(at), text))
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, located(resolved, child, below(key))]),
  )
}
