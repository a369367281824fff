/** @file Finds the tensors of a decoder in its checkpoint: each there, of the right shape, and none left over. */
import type { WeightSlice } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { DecoderConfig } from './decoder-config.ts'
import { type DecoderLayout, layOut } from './layout.ts'

/** Where the text model lies in text-only and in multimodal files. */
const PREFIXES = ['model.', 'language_model.model.', 'model.language_model.'] as const

export interface DecoderWeights extends DecoderLayout {
  /** Every tensor of the model once, in module order; named as in a text-only file. */
  readonly all: readonly WeightSlice[]
}

/** @throws InputError that names the tensor and the file */
export function bindWeights(config: DecoderConfig, checkpoint: Checkpoint): DecoderWeights {
  const prefix =
    PREFIXES.find((candidate) => checkpoint.tensors.has(`${candidate}embed_tokens.weight`)) ?? 'model.'
  const all: WeightSlice[] = []
  const seen = new Set<string>()
  const layout = layOut(config, (name, shape) => {
    const slice = find(name, shape, prefix, checkpoint)
    seen.add(slice.name)
    const named = Object.freeze({ ...slice, name })
    all.push(named)
    return named
  })
  refuseExtra(checkpoint, prefix, seen)
  return { ...layout, all }
}

function find(name: string, shape: readonly number[], prefix: string, checkpoint: Checkpoint): WeightSlice {
  const stored = storedName(name, prefix)
  const slice = checkpoint.tensors.get(stored)
  if (!slice) {
    const dtype = checkpoint.others.get(stored)
    if (dtype) {
      throw new InputError(
        `${checkpoint.file}: ${stored} is of type ${dtype}; medtune reads weights in BF16, F16 and F32`,
      )
    }
    const [first] = checkpoint.tensors.keys()
    throw new InputError(
      `${checkpoint.file}: ${stored} [${shape.join(', ')}] is missing among its ${checkpoint.tensors.size} tensors (${first}, ...)`,
    )
  }
  if (slice.shape.length !== shape.length || slice.shape.some((size, axis) => size !== shape[axis])) {
    throw new InputError(
      `${stored} in ${slice.file} is [${slice.shape.join(', ')}], config.json says [${shape.join(', ')}]; one of the two belongs to another model`,
    )
  }
  return slice
}

function storedName(name: string, prefix: string): string {
  if (name === 'lm_head.weight')
    return prefix === 'language_model.model.' ? 'language_model.lm_head.weight' : name
  return prefix + name.slice('model.'.length)
}

/**
 * A tensor inside the text model that config.json has no place for means that the two do not belong
 * together: more layers than the config counts, biases, an adapter that was never merged.
 */
function refuseExtra(checkpoint: Checkpoint, prefix: string, seen: ReadonlySet<string>): void {
  const multimodal = prefix === 'model.' ? /^model\.(vision_tower|multi_modal_projector)\./ : undefined
  for (const names of [checkpoint.tensors, checkpoint.others]) {
    for (const name of names.keys()) {
      if (!name.startsWith(prefix) || seen.has(name) || name.endsWith('rotary_emb.inv_freq')) continue
      if (multimodal?.test(name)) continue
      throw new InputError(
        `${checkpoint.file}: ${name} is a tensor that the model of config.json does not have; one of the two belongs to another model`,
      )
    }
  }
}
