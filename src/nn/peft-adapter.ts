/** @file A LoRA that PEFT or medtune wrote, fitted to a model: its targets, with tensors that start from its file. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ParameterSpec } from '../compute/graph.ts'
import type { Model, WeightSlice } from '../plugin/contract.ts'
import { InputError, OptionError } from '../util/errors.ts'
import { type LoraSettings, type LoraTarget, loraTargets } from './lora-targets.ts'
import { type PeftConfig, readPeftConfig } from './peft-config.ts'
import { readSafetensors, type SafetensorsFile } from './safetensors.ts'
import { matchTargets } from './targets.ts'

export interface PeftAdapter {
  readonly config: PeftConfig
  readonly targets: readonly LoraTarget[]
}

/**
 * Reads the folder of an adapter: settings, names and shapes; values stay in the file until training starts.
 * @param training options that the recipe adds, since no file holds them
 * @throws InputError where the files are damaged, unsupported or of another model
 */
export function openPeftAdapter(
  folder: string,
  model: Pick<Model, 'sites' | 'weights'>,
  training: Pick<LoraSettings, 'lora_plus'> = {},
): PeftAdapter {
  const config = readPeftConfig(folder)
  const file = readSafetensors(weightsOf(folder))
  const sites = inFile(folder, () => matchTargets(config.targets, model.sites, config, { lenient: true }))
  const settings = { ...config, ...training, seed: 0 }
  const targets = inFile(folder, () =>
    loraTargets(sites, settings, { lenient: true, weights: model.weights }),
  )
  const left = new Set([...file.tensors.keys(), ...file.others.keys()])
  const fromFile = (spec: ParameterSpec): ParameterSpec => {
    left.delete(spec.name)
    const { file: path, offset, dtype } = find(spec, file)
    return { ...spec, init: { kind: 'weight', file: path, offset, dtype } }
  }
  const read = targets.map((target) => ({
    ...target,
    a: fromFile(target.a),
    b: fromFile(target.b),
    ...(target.magnitude ? { magnitude: fromFile(target.magnitude) } : {}),
  }))
  const [extra] = left
  if (extra !== undefined) {
    throw new InputError(
      `${file.file}: "${extra}" belongs to no target of adapter_config.json in this model; the adapter is of another model, or of a kind that medtune does not support`,
    )
  }
  return { config, targets: read }
}

function weightsOf(folder: string): string {
  const file = join(folder, 'adapter_model.safetensors')
  if (existsSync(file) || !existsSync(join(folder, 'adapter_model.bin'))) return file
  throw new InputError(
    `${folder}: holds adapter_model.bin only, a pickle, which can run code when read; save the adapter as adapter_model.safetensors`,
  )
}

/** Mistakes of the adapter's own settings are mistakes of its file, not of the recipe. */
function inFile<T>(folder: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new InputError(
      `${join(folder, 'adapter_config.json')}: does not fit this model: ${error.path} ${error.message}`,
    )
  }
}

function find({ name, shape }: ParameterSpec, { file, tensors, others }: SafetensorsFile): WeightSlice {
  const slice = tensors.get(name)
  if (!slice) {
    const dtype = others.get(name)
    throw new InputError(
      dtype
        ? `${file}: "${name}" is of type ${dtype}; medtune reads BF16, F16 and F32`
        : `${file}: "${name}" [${shape.join(', ')}] is missing, which adapter_config.json promises for this model`,
    )
  }
  if (slice.shape.length !== shape.length || slice.shape.some((size, axis) => size !== shape[axis])) {
    throw new InputError(
      `${file}: "${name}" is [${slice.shape.join(', ')}], where this model and adapter_config.json need [${shape.join(', ')}]`,
    )
  }
  return slice
}
