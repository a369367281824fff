/** @file How adapters start, against adapters that PEFT made from the same seeds (test/reference/lora_fixture.py). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { initialValues } from '../../src/compute/index.ts'
import { gemma3, type LoraInit, loraTargets, readSafetensors, readTensor } from '../../src/nn/index.ts'
import type { LinearSite } from '../../src/plugin/contract.ts'
import { MersenneTwister } from '../../src/util/mersenne-twister.ts'

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
const folder = fixture('peft-lora')
const { cases } = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as {
  cases: Record<string, { seed: number }>
}

let sites: readonly LinearSite[]
beforeAll(async () => {
  sites = (await gemma3(fixture('gemma3-tiny/grouped'))).sites
})

/** The tensors of a case, and the same ones as started here from the same seed. */
async function bothOf(name: string, init: LoraInit) {
  const file = readSafetensors(`${folder}/${name}/adapter_model.safetensors`)
  const config = JSON.parse(readFileSync(`${folder}/${name}/adapter_config.json`, 'utf8'))
  const chosen = sites.filter((site) => file.tensors.has(`base_model.model.${site.name}.lora_A.weight`))
  const targets = loraTargets(chosen, {
    rank: config.r,
    alpha: config.lora_alpha,
    seed: cases[name]!.seed,
    rank_pattern: config.rank_pattern,
    init,
  })
  return { targets, file }
}

describe('A starts as PEFT draws it', () => {
  it.each(['patterns', 'rslora', 'dora', 'dora-rslora'])('bit for bit, case %s', async (name) => {
    const { targets, file } = await bothOf(name, 'kaiming')
    expect(targets.length).toBeGreaterThan(3)
    for (const { a } of targets) {
      expect(initialValues(a), a.name).toEqual(await readTensor(file.tensors.get(a.name)!))
    }
  })

  it('normal values to the last digits', async () => {
    const { targets, file } = await bothOf('gaussian', 'gaussian')
    for (const { a } of targets) {
      const theirs = await readTensor(file.tensors.get(a.name)!)
      const ours = initialValues(a)
      const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0)
      expect(worst, a.name).toBeLessThan(1e-6)
    }
  })

  it('whatever the order in which its tensors are asked for', async () => {
    const { targets } = await bothOf('patterns', 'kaiming')
    const inOrder = targets.map(({ a }) => initialValues(a))
    const backwards = targets.toReversed().map(({ a }) => initialValues(a))
    expect(backwards.toReversed()).toEqual(inOrder)
    expect(initialValues(targets[0]!.b).every((value) => value === 0)).toBe(true)
  })
})

it('skips draws as if they had been made', () => {
  for (const skipped of [0, 1, 623, 624, 625, 5000]) {
    const [all, some] = [new MersenneTwister(9), new MersenneTwister(9)]
    for (const generator of [all, some]) generator.draw()
    for (let i = 0; i < skipped; i++) all.draw()
    some.skip(skipped)
    expect(Array.from({ length: 700 }, () => some.draw())).toEqual(
      Array.from({ length: 700 }, () => all.draw()),
    )
  }
})
