/** @file A LoRA adapter in the file format of PEFT: adapter_model.safetensors and adapter_config.json. */
import { join } from 'node:path'
import { type LoraOptions, loraPair, minimalTargets, writeSafetensors } from '../nn/index.ts'
import type { LinearSite, Model, ReadParameter } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'

/** Writes both files into an existing folder. Values are float32, whatever the base model is stored in. */
export async function writePeftAdapter(
  folder: string,
  model: Model,
  targets: readonly LinearSite[],
  options: LoraOptions,
  read: ReadParameter,
): Promise<void> {
  const tensors = targets.flatMap((site) => {
    const { a, b } = loraPair(site, options)
    return [a, b].map(({ name, shape }) => ({ name, dtype: 'f32' as const, shape, data: () => read(name) }))
  })
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors, { format: 'pt' })
  const config = `${JSON.stringify(adapterConfig(model, targets, options), null, 2)}\n`
  await writeAtomically(join(folder, 'adapter_config.json'), (handle) => handle.writeFile(config))
}

/**
 * The keys that every PEFT of recent years reads, sorted as PEFT sorts them. Targets are written as names
 * even where the recipe had a pattern: a pattern may reach modules that are not linear, which PEFT refuses.
 */
function adapterConfig(model: Model, targets: readonly LinearSite[], options: LoraOptions): object {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: model.origin?.repo ?? model.folder,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: options.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: options.rank,
    rank_pattern: {},
    revision: model.origin?.revision ?? null,
    target_modules: minimalTargets(targets, model.sites),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  }
}
