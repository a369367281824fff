/** @file A tiny random Gemma 3 with LoRA on every projection: model, plan and both programs. */
import lora from '../../plugins/adapter/lora.ts'
import { gemma3 } from '../../src/nn/index.ts'
import type { Adapter, AdapterPlan, Model } from '../../src/plugin/contract.ts'
import { buildPrograms, type Programs } from '../../src/train/step.ts'
import { makeModel } from './make-model.ts'
import { tempFolder } from './temp.ts'

export async function tinyLora(): Promise<{ model: Model; plan: AdapterPlan; programs: Programs }> {
  const model = await gemma3(await makeModel(tempFolder(), { std: 0.3 }))
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 3, warn: () => {} }
  const options = { rank: 2, alpha: 4, targets: 'all-linear', dropout: 0 }
  const adapter = (await lora.create(options, context)) as Adapter
  const plan = adapter.plan(model)
  return { model, plan, programs: buildPrograms(model, plan) }
}
