/** @file Models of Llama and Qwen 3 through their plugins, against transformers and PEFT (test/reference/families_fixture.py). */
import { copyFile, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import llama from '../../../plugins/model/llama.ts'
import qwen3 from '../../../plugins/model/qwen3.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'
import { expectSameLogits, type LongTexts } from '../../helpers/logits.ts'
import { itComputesAlike } from '../../helpers/parity.ts'
import { tempFolder } from '../../helpers/temp.ts'

const root = tempFolder()

describe.each([
  { name: 'llama-tied', plugin: llama },
  { name: 'llama-untied', plugin: llama },
  { name: 'qwen3-tied', plugin: qwen3 },
  { name: 'qwen3-untied', plugin: qwen3 },
])('$name as transformers computes it', ({ name, plugin }) => {
  const folder = fileURLToPath(new URL(`../../fixtures/families/${name}`, import.meta.url))

  /** A plugin wants the folder of a whole model: the fixtures, which need no tokenizer, have none. */
  const open = async (): Promise<Model> => {
    const whole = await mkdtemp(join(root, name))
    for (const file of ['config.json', 'model.safetensors'])
      await copyFile(join(folder, file), join(whole, file))
    await writeFile(join(whole, 'tokenizer.json'), '{}')
    return (await plugin.create({ path: whole }, context)).load()
  }

  itComputesAlike({ folder, open, targets: 'all-linear', adapted: 14 })

  it('gives the same logits at lengths 1, 17, 600 and 1,100', async () => {
    const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as { long: LongTexts }
    expect(expected.long.cases).toHaveLength(4)
    await expectSameLogits(await open(), expected.long)
  })
})
