/** @file A model of another family, with the chat template of its own folder, through a whole run. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { readSafetensors, readTensor, writeSafetensors } from '../../src/nn/index.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { validateFit } from '../../src/run/validate.ts'
import { run } from '../../src/run.ts'
import { smallProject } from './project.ts'

const CHAT = `{% for message in messages -%}
{{ '<start_of_turn>' + message.role + '\\n' + message.content + '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>assistant\\n' }}{% endif %}`

let project: string
let recipe: string

beforeAll(async () => {
  project = await smallProject()
  recipe = join(project, 'recipe.yaml')
  const text = readFileSync(recipe, 'utf8')
    .replace('use: gemma3', 'use: qwen3')
    .replace('use: gemma', 'use: chat')
  writeFileSync(recipe, text)
  writeFileSync(join(project, 'model/chat_template.jinja'), CHAT)
  await makeQwen3(join(project, 'model'))
})

/** A Gemma 3 without two of its norms has the tensors of a Qwen 3. */
async function makeQwen3(folder: string): Promise<void> {
  const file = join(folder, 'model.safetensors')
  const kept = [...readSafetensors(file).tensors.values()].filter(
    ({ name }) => !name.includes('_feedforward_'),
  )
  const tensors = await Promise.all(
    kept.map(async (slice) => ({
      name: slice.name,
      dtype: 'f32' as const,
      shape: slice.shape,
      // Gemma's norms are around zero, and these are around one.
      data: (await readTensor(slice)).map((value) =>
        slice.name.endsWith('norm.weight') ? 1 + value : value,
      ),
    })),
  )
  await writeSafetensors(file, tensors)
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...config, model_type: 'qwen3', sliding_window: null }),
  )
}

test('trains, is scored, and learns the turn that the template writes', async () => {
  const report = await run(await loadRecipe(recipe), { runsDir: join(project, 'runs') })
  expect(report.status).toBe('done')
  expect(report.train.loss_last).toBeLessThan(report.train.loss_first!)
  expect(report.eval.colours).toMatchObject({ tuned: { n: 9 } })
  expect(report.eval.loss).toMatchObject({ metric: 'loss', better: 'lower' })
  expect(Number(report.eval.loss?.difference.loss)).toBeLessThan(0)
})

test('a folder without a chat template is a mistake of the template', async () => {
  rmSync(join(project, 'model/chat_template.jinja'))
  const resolved = await loadRecipe(recipe)
  const attempts = [() => validateFit(resolved), () => run(resolved, { runsDir: join(project, 'none') })]
  for (const attempt of attempts) {
    const error = await attempt().then(
      () => new Error('nothing was refused'),
      (reason: Error) => reason,
    )
    expect(error.name).toBe('RecipeError')
    expect(error.message).toMatch(/recipe\.yaml:5:3 +template.*has no chat template/s)
  }
})
