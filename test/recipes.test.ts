import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadRecipe } from '../src/recipe/recipe.ts'

const root = path.resolve(import.meta.dirname, '..')
const recipes = readdirSync(path.join(root, 'recipes'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml') && !name.startsWith('sweeps'))
  .map((name) => path.join(root, 'recipes', name))
  .sort()

/** The line that tells an editor where the schema is, from a recipe's own folder. */
const schemaLine = (file: string): string =>
  `# yaml-language-server: $schema=${path.relative(path.dirname(file), path.join(root, '.medtune/recipe.schema.json'))}`

describe('the shipped recipes', () => {
  it('are the ones that the documentation names', () => {
    expect(recipes.map((file) => path.relative(path.join(root, 'recipes'), file))).toEqual([
      'gemma3-medical-short.yaml',
      'gemma3-medical.yaml',
      'pretrain-tiny.yaml',
      'quickstart.yaml',
    ])
  })

  it.each(recipes)('%s is without a mistake and named after its file', async (file) => {
    const { recipe } = await loadRecipe(file)
    expect(recipe.name).toBe(path.basename(file, '.yaml'))
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(schemaLine(file).replaceAll(path.sep, '/'))
  })

  it('start from the settings of the headline where they extend it', async () => {
    const long = (await loadRecipe('gemma3-medical')).recipe
    const short = (await loadRecipe('gemma3-medical-short')).recipe
    const { model, template, adapter, optimizer, schedule, seed } = long
    expect(short).toMatchObject({ model, template, adapter, optimizer, schedule, seed })
    expect(long.dataset).toMatchObject({
      repo: 'FreedomIntelligence/medical-o1-reasoning-SFT',
      holdout: 0.025,
    })
    expect(short.dataset).toMatchObject({ ...long.dataset, holdout: 40, limit: 480 })
  })

  it('find what ships beside them', async () => {
    const { recipe, baseDir } = await loadRecipe('quickstart')
    const places = [
      ['model.path', path.join(String(recipe.model.path), 'model.safetensors')],
      ['dataset.path', recipe.dataset.path],
      ['eval.0.path', recipe.eval[0]!.path],
      ['eval.1.path', recipe.eval[1]!.path],
    ] as const
    for (const [at, file] of places) {
      const whole = path.resolve(baseDir(at), String(file))
      expect(existsSync(whole), whole).toBe(true)
    }
  })
})
