/** @file A LoRA adapter in the file format of PEFT: adapter_model.safetensors and adapter_config.json. */
import { join } from 'node:path'
import {
  type LoraSettings,
  type LoraTarget,
  minimalTargets,
  shortName,
  writeSafetensors,
} from '../nn/index.ts'
import type { Model, ReadParameter } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'

/** Writes both files into an existing folder. Values are float32, whatever the base model is stored in. */
export async function writePeftAdapter(
  folder: string,
  model: Model,
  targets: readonly LoraTarget[],
  settings: LoraSettings,
  read: ReadParameter,
): Promise<void> {
  const tensors = targets.flatMap(({ a, b, magnitude }) =>
    [a, b, ...(magnitude ? [magnitude] : [])].map(({ name, shape }) => ({
      name,
      dtype: 'f32' as const,
      shape,
      data: () => read(name),
    })),
  )
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors, { format: 'pt' })
  const config = `${JSON.stringify(adapterConfig(model, targets, settings), null, 2)}\n`
  await writeAtomically(join(folder, 'adapter_config.json'), (handle) => handle.writeFile(config))
}

/**
 * The keys that every PEFT of recent years reads, sorted as PEFT sorts them. Targets, ranks and alphas are
 * written as they came out, not as the recipe's rules: a pattern may reach modules that are not linear, which
 * PEFT refuses, and the file then says what trained without the model at hand.
 */
function adapterConfig(model: Model, targets: readonly LoraTarget[], settings: LoraSettings): object {
  const { rank, alpha, rslora = false, dora = false, init = 'kaiming', dropout = 0 } = settings
  return {
    alpha_pattern: exceptions(targets, alpha, (target) => target.alpha),
    auto_mapping: null,
    base_model_name_or_path: model.origin?.repo ?? model.folder,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: init === 'kaiming' ? true : init,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: exceptions(targets, rank, (target) => target.rank),
    revision: model.origin?.revision ?? null,
    target_modules: minimalTargets(targets, model.sites),
    task_type: 'CAUSAL_LM',
    use_dora: dora,
    use_rslora: rslora,
  }
}

/** The values that differ from the common one: by short name where all targets of that name agree, else by full name. */
function exceptions(
  targets: readonly LoraTarget[],
  common: number,
  pick: (target: LoraTarget) => number,
): Record<string, number> {
  const found: Record<string, number> = {}
  for (const target of targets) {
    const value = pick(target)
    const short = shortName(target.name)
    const agree = targets.every((other) => shortName(other.name) !== short || pick(other) === value)
    if (value !== common) found[agree ? short : target.name] = value
  }
  return found
}
