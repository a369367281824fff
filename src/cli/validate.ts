/** @file `medtune validate`: every mistake of a recipe at once, before anything is loaded. */
import path from 'node:path'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { colorsFor } from './colors.ts'

export async function validate(
  target: string,
  overrides: string[],
  options: { json?: boolean },
): Promise<number> {
  const resolved = await loadRecipe(target, overrides)
  const { validateFit } = await import('../run/validate.ts')
  await validateFit(resolved)
  process.stdout.write(options.json ? `${JSON.stringify(asJson(resolved), null, 2)}\n` : asLine(resolved))
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
