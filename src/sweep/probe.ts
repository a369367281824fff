/** @file Tries every value of a sweep on its recipe before the first trial, so that a typing error costs nothing. */
import type { Distribution, Params, Space, SweepParameter } from '../plugin/contract.ts'
import { type Place, type Problem, RecipeError } from '../recipe/errors.ts'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { fillSpace, isActive, sameValue } from './space.ts'

/** A trial's values as overrides of its recipe, in the form of the command line. */
export function overridesOf(params: Params): readonly string[] {
  return Object.entries(params).map(([path, value]) => `${path}=${JSON.stringify(value)}`)
}

/** The same read back. */
export function paramsOf(overrides: readonly string[]): Params {
  return Object.fromEntries(
    overrides.map((text) => {
      const equals = text.indexOf('=')
      return [text.slice(0, equals), JSON.parse(text.slice(equals + 1))]
    }),
  )
}

/**
 * Puts each value into at least one recipe and reads that; every mistake is told at the parameter's place.
 * @param base where relative paths among the values start
 * @param look sees each recipe that is without one
 */
export async function probeSpace(
  recipe: string,
  space: Space,
  base: string,
  placeOf: (path: string) => Place & { readonly at: string },
  look: (resolved: ResolvedRecipe, params: Params) => Promise<void>,
): Promise<readonly Problem[]> {
  const problems = new Map<string, Problem>()
  for (const params of probes(space)) {
    const loaded = await loadRecipe(recipe, overridesOf(params), base).catch((error: unknown) => {
      if (error instanceof RecipeError) return error
      throw error
    })
    if (!(loaded instanceof RecipeError)) {
      await look(loaded, params)
      continue
    }
    for (const problem of loaded.problems) {
      const told = placed(problem, params, placeOf)
      const key = `${told.file}:${told.line}:${told.path}:${problem.message}`
      if (!problems.has(key)) problems.set(key, told)
    }
  }
  return [...problems.values()]
}

/** A problem of one combination as a problem of the sweep file, where a parameter caused it. */
function placed(
  problem: Problem,
  params: Params,
  placeOf: (path: string) => Place & { readonly at: string },
): Problem {
  const { override, ...rest } = problem
  const path = Object.keys(params).find((name) => override?.startsWith(`${name}=`))
  if (path === undefined) return problem
  const { at, file, line, col } = placeOf(path)
  const inside = problem.path === path ? '' : `${problem.path}: `
  return {
    ...rest,
    file,
    line,
    col,
    path: at,
    message: `${inside}${problem.message} (in the recipe, with ${path}=${JSON.stringify(params[path])})`,
  }
}

/** Combinations in which every value of a list, and both ends of every range, occur. */
export function probes(space: Space): readonly Params[] {
  const left = space.flatMap((parameter) =>
    probeValues(parameter.distribution).map((value) => ({ parameter, value })),
  )
  const list: Params[] = []
  while (left.length > 0) {
    const forced = forcedBy(left[0]!.parameter, space, new Map([[left[0]!.parameter.path, left[0]!.value]]))
    const params = fillSpace(space, ({ path, distribution }) => {
      if (forced.has(path)) return forced.get(path)
      return left.find(({ parameter }) => parameter.path === path)?.value ?? probeValues(distribution)[0]
    })
    list.push(params)
    const before = left.length
    for (let i = left.length - 1; i >= 0; i--) {
      const { parameter, value } = left[i]!
      if (isActive(parameter, params) && sameValue(params[parameter.path], value)) left.splice(i, 1)
    }
    // Conditions that exclude one another: this value can never be part of a trial.
    if (left.length === before) left.shift()
  }
  return list
}

function probeValues(distribution: Distribution): readonly unknown[] {
  return distribution.kind === 'categorical' ? distribution.values : [distribution.min, distribution.max]
}

/** The values that others must have for `parameter` to be part of a trial. */
function forcedBy(
  parameter: SweepParameter,
  space: Space,
  forced: Map<string, unknown>,
): ReadonlyMap<string, unknown> {
  for (const { path, values } of parameter.when) {
    if (!forced.has(path)) forced.set(path, values[0])
    const parent = space.find((one) => one.path === path)
    if (parent) forcedBy(parent, space, forced)
  }
  return forced
}
