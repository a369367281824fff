/** @file A tiny random Gemma 3 with LoRA on every projection: model, plan and both programs. */
import lora from '../../plugins/adapter/lora.ts'
import { gemma3 } from '../../src/nn/index.ts'
import type { Adapter, AdapterPlan, Model } from '../../src/plugin/contract.ts'
import { buildPrograms, type Programs } from '../../src/train/step.ts'
import { makeModel } from './make-model.ts'
import { tempFolder } from './temp.ts'

export interface TinyLora {
  readonly model: Model
  readonly plan: AdapterPlan
  readonly programs: Programs
}

/** `options` of the adapter beside its rank, keys of config.json in `config`. */
export async function tinyLora(
  options: Readonly<Record<string, unknown>> = {},
  config: Readonly<Record<string, unknown>> = {},
): Promise<TinyLora> {
  const model = await gemma3(await makeModel(tempFolder(), { std: 0.3, config }))
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 3, warn: () => {} }
  const all = { rank: 2, alpha: 4, targets: 'all-linear' as const, dropout: 0, ...options }
  const adapter = (await lora.create(all, context)) as Adapter
  const plan = adapter.plan(model)
  return { model, plan, programs: buildPrograms(model, plan) }
}
