/** @file Models of Llama and Qwen 3 through their plugins, against transformers and PEFT (test/reference/families_fixture.py). */
import { copyFile, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import llama from '../../../plugins/model/llama.ts'
import qwen3 from '../../../plugins/model/qwen3.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'
import { openLogits } from '../../helpers/logits.ts'
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
    const { long } = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as { long: Long }
    const model = await open()
    const logits = await openLogits(model)
    try {
      for (const { length, positions, logits: wanted } of long.cases) {
        const text = Array.from({ length }, (_, i) => 3 + ((7919 * i + 31 * length) % 58))
        const found = await logits.at(text, positions)
        wanted.forEach((row, p) => {
          const kept = row.map((_, c) => found[p * model.vocabSize + c * long.columns]!)
          expect(relative(kept, row), `length ${length}, position ${positions[p]}`).toBeLessThan(1e-5)
        })
      }
    } finally {
      await logits.close()
    }
  })
})

interface Long {
  /** Of each position, every `columns`th logit. */
  readonly columns: number
  readonly cases: readonly {
    readonly length: number
    readonly positions: readonly number[]
    readonly logits: readonly (readonly number[])[]
  }[]
}

/** Norm of the difference over the norm of what was expected. */
function relative(found: readonly number[], wanted: readonly number[]): number {
  return Math.hypot(...found.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted)
}
