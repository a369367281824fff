/** @file A LoRA adapter in the file format of PEFT: adapter_model.safetensors and adapter_config.json. */
import { join } from 'node:path'
import type { ParameterSpec } from '../compute/index.ts'
import {
  type LoraSettings,
  type LoraTarget,
  minimalTargets,
  shortName,
  type TensorData,
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
  const tensors = targets.flatMap((target) => tensorsOf(target, read))
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors, { format: 'pt' })
  const config = `${JSON.stringify(
    adapterConfig(
      model,
      targets.map((target) => plain(target, settings)),
      plainSettings(
        settings,
        targets.some(({ start }) => start !== undefined),
      ),
    ),
    null,
    2,
  )}\n`
  await writeAtomically(join(folder, 'adapter_config.json'), (draft) => draft.write(config))
}

function tensorsOf({ a, b, magnitude, start }: LoraTarget, read: ReadParameter): readonly TensorData[] {
  const tensor = ({ name, shape }: ParameterSpec): TensorData => ({
    name,
    dtype: 'f32',
    shape,
    data: () => read(name),
  })
  if (!start) return [a, b, ...(magnitude ? [magnitude] : [])].map(tensor)
  // B A - B0 A0 is one product of twice the rank: the file then serves the base model as it is.
  const [rank, inside] = a.shape as [number, number]
  const [out] = b.shape as [number]
  const both = (x: ParameterSpec, y: ParameterSpec) => Promise.all([read(x.name), read(y.name)])
  return [
    { ...tensor(a), shape: [2 * rank, inside], data: async () => stack(...(await both(a, start.a))) },
    { ...tensor(b), shape: [out, 2 * rank], data: async () => sideBySide(...(await both(b, start.b)), rank) },
  ]
}

function stack(above: Float32Array, below: Float32Array): Float32Array {
  const all = new Float32Array(above.length + below.length)
  all.set(above)
  all.set(below, above.length)
  return all
}

/** Two matrices with rows of `width` values. */
function sideBySide(left: Float32Array, right: Float32Array, width: number): Float32Array {
  const all = new Float32Array(left.length + right.length)
  for (let at = 0; at < left.length; at += width) {
    all.set(left.subarray(at, at + width), 2 * at)
    all.set(right.subarray(at, at + width), 2 * at + width)
  }
  return all
}

/** A target as its file has it: twice the rank where its start is taken away, at the same scale. */
function plain(target: LoraTarget, { rslora }: LoraSettings): LoraTarget {
  if (!target.start) return target
  return { ...target, rank: 2 * target.rank, alpha: target.alpha * (rslora ? Math.SQRT2 : 2) }
}

function plainSettings(settings: LoraSettings, doubled: boolean): LoraSettings {
  if (!doubled) return settings
  const { rank, alpha, rslora } = settings
  return { ...settings, init: 'kaiming', rank: 2 * rank, alpha: alpha * (rslora ? Math.SQRT2 : 2) }
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
