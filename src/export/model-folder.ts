/** @file A complete model folder, as transformers reads it: configuration, tokenizer and weights. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensors } from '../nn/index.ts'
import type { Model, WeightSlice } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'

/** Files beside the weights that a model keeps when its weights change. */
const COMPANIONS = [
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'generation_config.json',
]
const TORCH_NAMES = { f32: 'float32', bf16: 'bfloat16' } as const

export interface ModelFolderOptions {
  readonly dtype: keyof typeof TORCH_NAMES
  /** The new values of a tensor; asked for one tensor at a time. */
  readonly values: (slice: WeightSlice) => Promise<Float32Array>
}

/** Writes into an existing folder. config.json comes last: a folder that has it is complete. */
export async function writeModelFolder(
  folder: string,
  model: Model,
  options: ModelFolderOptions,
): Promise<void> {
  const { dtype, values } = options
  for (const name of COMPANIONS) {
    const source = join(model.folder, name)
    if (!existsSync(source)) continue
    const bytes = await readFile(source)
    await writeAtomically(join(folder, name), (draft) => draft.write(bytes))
  }
  const tensors = model.weights.map((slice) => ({
    name: slice.name,
    dtype,
    shape: slice.shape,
    data: () => values(slice),
  }))
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' })
  const config = `${JSON.stringify(modelConfig(model, dtype), null, 2)}\n`
  await writeAtomically(join(folder, 'config.json'), (draft) => draft.write(config))
}

/** The model's own configuration, with the new type of its weights; only the text part of a multimodal one. */
function modelConfig({ config }: Model, dtype: ModelFolderOptions['dtype']): object {
  const { text_config: text, ...whole } = config
  const multimodal = typeof text === 'object' && text !== null
  const { dtype: _, ...rest } = multimodal
    ? {
        ...(text as Record<string, unknown>),
        architectures: ['Gemma3ForCausalLM'],
        model_type: 'gemma3_text',
      }
    : whole
  return { ...rest, torch_dtype: TORCH_NAMES[dtype] }
}
