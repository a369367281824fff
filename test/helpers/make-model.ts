/** @file Writes small random Gemma 3 folders of any shape: config.json, weights and, where given, a tokenizer. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { layOut, parseGemma3Config, writeSafetensors } from '../../src/nn/index.ts'

export interface MakeModelOptions {
  /** Keys of config.json that differ from the tiny model below. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly seed?: number
  readonly dtype?: 'f32' | 'bf16'
  /** Spread of the weights, and of the norms around zero. */
  readonly std?: number
  /** Folder whose tokenizer files are copied. */
  readonly tokenizer?: string
}

export const TINY_CONFIG: Readonly<Record<string, unknown>> = {
  architectures: ['Gemma3ForCausalLM'],
  model_type: 'gemma3_text',
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 8,
  sliding_window: 8,
  max_position_embeddings: 256,
  query_pre_attn_scalar: 8,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  rope_local_base_freq: 10_000,
  hidden_activation: 'gelu_pytorch_tanh',
  bos_token_id: 2,
  eos_token_id: 1,
  pad_token_id: 0,
  tie_word_embeddings: true,
  torch_dtype: 'float32',
}

/** Makes the folder if it is not there; returns it. */
export async function makeModel(folder: string, options: MakeModelOptions = {}): Promise<string> {
  const { seed = 1, dtype = 'f32', std = 0.1, tokenizer } = options
  const config = { ...TINY_CONFIG, torch_dtype: dtype === 'f32' ? 'float32' : 'bfloat16', ...options.config }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
  const tensors: { name: string; dtype: 'f32' | 'bf16'; shape: readonly number[]; data: Float32Array }[] = []
  const normal = gaussian(seed)
  layOut(parseGemma3Config(config, folder), (name, shape) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => std * normal())
    tensors.push({ name, dtype, shape, data })
    return { name, file: '', offset: 0, dtype, shape }
  })
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' })
  if (tokenizer !== undefined) {
    for (const name of await readdir(tokenizer)) {
      if (/^(tokenizer|special_tokens|chat_template)/.test(name))
        await copyFile(join(tokenizer, name), join(folder, name))
    }
  }
  return folder
}

/** Normal values of a small seeded generator (mulberry32 and Box-Muller). */
export function gaussian(seed: number): () => number {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}
