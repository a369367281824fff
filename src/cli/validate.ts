/** @file `medtune validate`: every mistake of a recipe or a sweep at once, before anything is loaded. */
import path from 'node:path'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { colorsFor } from './colors.ts'

export async function validate(
  target: string,
  overrides: string[],
  options: { json?: boolean },
): Promise<number> {
  const { isSweepTarget } = await import('../sweep/find.ts')
  if (isSweepTarget(target)) return validateSweep(target, overrides, options.json === true)
  const resolved = await loadRecipe(target, overrides)
  const { validateFit } = await import('../run/validate.ts')
  await validateFit(resolved)
  process.stdout.write(options.json ? `${JSON.stringify(asJson(resolved), null, 2)}\n` : asLine(resolved))
  return 0
}

async function validateSweep(target: string, overrides: string[], json: boolean): Promise<number> {
  const { loadSweep } = await import('../sweep/sweep.ts')
  const { spec, space, file, trials } = await loadSweep(target, overrides)
  const colors = colorsFor(process.stdout)
  const many = trials === undefined ? 'trials until the time is up' : `${trials} trials`
  const name = path.relative(process.cwd(), file)
  const line = `${colors.green('ok')} ${name}: sweep "${spec.name}", ${space.length} parameters, ${many}\n`
  const body = { ok: true, file, overrides, sweep: spec, space, trials: trials ?? null }
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : line)
  return 0
}

function asJson({ recipe, hash, file, overrides }: ResolvedRecipe) {
  return { ok: true, file, hash, overrides, recipe }
}

function asLine({ recipe, hash, file }: ResolvedRecipe): string {
  const colors = colorsFor(process.stdout)
  const name = path.relative(process.cwd(), file)
  return `${colors.green('ok')} ${name}: recipe "${recipe.name}", hash ${hash.slice(0, 8)}\n`
}
