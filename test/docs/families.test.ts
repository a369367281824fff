/** @file The family that docs/families.md adds computes what transformers does. */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { createStage } from '../../src/recipe/create.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { expectSameLogits, type LongTexts } from '../helpers/logits.ts'
import { tempFolder } from '../helpers/temp.ts'

const root = path.resolve(import.meta.dirname, '../..')

it('docs/families.md: its family gives the logits of transformers', async () => {
  const page = readFileSync(path.join(root, 'docs/families.md'), 'utf8')
  const block = (language: string): string =>
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)![1]!
  const folder = tempFolder()
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(root, path.join(folder, 'node_modules/medtune'), 'dir')
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(path.join(folder, 'gemma.js'), block('js'))
  const recipe = `name: example\n${block('yaml')}dataset: { use: jsonl, path: rows.jsonl }\n`
  writeFileSync(path.join(folder, 'recipe.yaml'), recipe)
  const fixture = path.join(root, 'test/fixtures/families/gemma-example')
  mkdirSync(path.join(folder, 'my-gemma'))
  for (const name of ['config.json', 'model.safetensors'])
    copyFileSync(path.join(fixture, name), path.join(folder, 'my-gemma', name))
  writeFileSync(path.join(folder, 'my-gemma/tokenizer.json'), '{}')

  const resolved = await loadRecipe(path.join(folder, 'recipe.yaml'))
  const source = await createStage(resolved, 'model', 'model', () => {})
  const expected = JSON.parse(readFileSync(path.join(fixture, 'expected.json'), 'utf8')) as {
    long: LongTexts
  }
  expect(expected.long.cases).toHaveLength(4)
  await expectSameLogits(await source.load(), expected.long)
})
