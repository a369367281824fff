/** @file Reads models in llama2.c's format: the weights become a Llama folder, the tokenizer's pieces a decoder. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TensorData, writeSafetensors } from '../../src/nn/index.ts'

interface Shape {
  readonly dim: number
  readonly inner: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly vocab: number
  readonly length: number
}

/** Writes config.json and weights into a new folder; its tokenizer.json is empty. Only models with a tied head. */
export async function convertLlama2c(file: string, folder: string): Promise<string> {
  const bytes = readFileSync(file)
  const [dim, inner, layers, heads, kvHeads, vocab, length] = Array.from({ length: 7 }, (_, i) =>
    bytes.readInt32LE(4 * i),
  ) as [number, number, number, number, number, number, number]
  const shape: Shape = { dim, inner, layers, heads, kvHeads, vocab, length }
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 28, bytes.byteOffset + bytes.length))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tokenizer.json'), '{}')
  await writeFile(join(folder, 'config.json'), JSON.stringify(configOf(shape)))
  await writeSafetensors(join(folder, 'model.safetensors'), tensorsOf(shape, values), { format: 'pt' })
  return folder
}

function configOf({ dim, inner, layers, heads, kvHeads, vocab, length }: Shape): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocab,
    hidden_size: dim,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: length,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
  }
}

/** In the file's order: each kind of tensor for all layers, one layer behind the other. */
function tensorsOf(shape: Shape, values: Float32Array): TensorData[] {
  const { dim, inner, layers, heads, kvHeads, vocab } = shape
  const headDim = dim / heads
  const tensors: TensorData[] = []
  let at = 0
  const take = (name: string, size: readonly number[], change = (data: Float32Array) => data): void => {
    const count = size.reduce((product, n) => product * n, 1)
    tensors.push({ name, dtype: 'f32', shape: size, data: change(values.slice(at, at + count)) })
    at += count
  }
  const each = (
    name: string,
    size: readonly number[],
    change?: (data: Float32Array) => Float32Array,
  ): void => {
    for (let layer = 0; layer < layers; layer++) take(`model.layers.${layer}.${name}.weight`, size, change)
  }
  const halves = (data: Float32Array): Float32Array => pairsToHalves(data, headDim, dim)
  take('model.embed_tokens.weight', [vocab, dim])
  each('input_layernorm', [dim])
  each('self_attn.q_proj', [heads * headDim, dim], halves)
  each('self_attn.k_proj', [kvHeads * headDim, dim], halves)
  each('self_attn.v_proj', [kvHeads * headDim, dim])
  each('self_attn.o_proj', [dim, heads * headDim])
  each('post_attention_layernorm', [dim])
  each('mlp.gate_proj', [inner, dim])
  each('mlp.down_proj', [dim, inner])
  each('mlp.up_proj', [inner, dim])
  take('model.norm.weight', [dim])
  return tensors
}

/** llama2.c turns the adjacent rows 2j and 2j+1 of a head together, Llama folders the rows j and j + headDim / 2. */
function pairsToHalves(rows: Float32Array, headDim: number, width: number): Float32Array {
  const result = new Float32Array(rows.length)
  for (let row = 0; row < rows.length / width; row++) {
    const place = row % headDim
    const target = row - place + (place % 2) * (headDim / 2) + Math.floor(place / 2)
    result.set(rows.subarray(row * width, (row + 1) * width), target * width)
  }
  return result
}

/** Text of ids that follow `<s>`. */
export function decodeLlama2c(file: string, ids: readonly number[]): string {
  const bytes = readFileSync(file)
  const pieces: Buffer[] = []
  for (let at = 4; at < bytes.length; ) {
    const length = bytes.readInt32LE(at + 4)
    pieces.push(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  const text = Buffer.concat(ids.map((id) => bytePiece(pieces[id]!))).toString()
  return text.startsWith(' ') ? text.slice(1) : text
}

/** `<0x0A>` stands for the byte itself. */
function bytePiece(piece: Buffer): Buffer {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(piece.toString('latin1'))?.[1]
  return hex === undefined ? piece : Buffer.from(hex, 'hex')
}
