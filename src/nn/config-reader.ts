/** @file config.json of a model folder, and how a family reads it: each value checked, each mistake with its key. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../util/errors.ts'
import type { Rope } from './rope.ts'

export type Json = Readonly<Record<string, unknown>>

/** Reads config.json as it is. @throws InputError */
export function readConfigJson(folder: string): Json {
  const file = join(folder, 'config.json')
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new InputError(
      missing ? `${file}: no such file` : `${file}: not JSON (${(error as Error).message})`,
    )
  }
  if (!isObject(json)) throw new InputError(`${file}: not a JSON object`)
  return json
}

/** Kinds of rotary scaling a family may have. */
export type RopeType = 'default' | 'linear' | 'llama3'

export class ConfigReader {
  readonly json: Json
  /** Named in errors. */
  readonly file: string
  constructor(json: Json, file: string) {
    this.json = json
    this.file = file
  }

  /** A whole number from 1 up. Without a fallback the key must be there. */
  size(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback
    if (value === undefined) return this.fail(key, 'is missing')
    if (!Number.isSafeInteger(value) || (value as number) < 1)
      return this.fail(key, 'is not a whole number from 1 up')
    return value as number
  }

  positive(key: string, fallback: number): number {
    const value = this.json[key] ?? fallback
    return isPositive(value) ? value : this.fail(key, 'is not a positive number')
  }

  /** Anything but absent, null, false or 0 under these keys would change what is computed. */
  refuse(variants: Readonly<Record<string, string>>): void {
    for (const [key, what] of Object.entries(variants)) {
      const value = this.json[key]
      if (value === undefined || value === null || value === false || value === 0) continue
      throw new InputError(
        `${this.file}: ${key} is ${JSON.stringify(value)}; medtune does not support ${what}`,
      )
    }
  }

  /** A key that may have one value only. */
  require(key: string, wanted: string, fallback?: string): void {
    const value = this.json[key] ?? fallback
    if (value === wanted) return
    throw new InputError(
      `${this.file}: ${key} is ${JSON.stringify(value)}; medtune supports "${wanted}" only`,
    )
  }

  /** The attention of each layer: as listed in `layer_types`, else `fallback` of the layer's index. */
  layers(fallback: (layer: number) => 'full' | 'sliding'): readonly ('full' | 'sliding')[] {
    const count = this.size('num_hidden_layers')
    if (count > 1000) this.fail('num_hidden_layers', 'is more than any model has')
    const listed = this.json.layer_types
    if (listed === undefined || listed === null) return Array.from({ length: count }, (_, i) => fallback(i))
    if (!Array.isArray(listed)) return this.fail('layer_types', 'is not a list')
    if (listed.length !== count) {
      this.fail(
        'layer_types',
        `has ${listed.length} entries, but num_hidden_layers is ${count}`,
        listed.length,
      )
    }
    return listed.map((type: unknown, layer) => {
      if (type === 'full_attention') return 'full'
      if (type === 'sliding_attention') return 'sliding'
      const problem = `layer ${layer} is neither "full_attention" nor "sliding_attention"`
      return this.fail('layer_types', problem, type)
    })
  }

  /** Heads, key-value heads and their size, made sure to fit one another. */
  heads(fallback: { heads?: number; kvHeads?: number; headDim?: number }): {
    readonly heads: number
    readonly kvHeads: number
    readonly headDim: number
  } {
    const heads = this.size('num_attention_heads', fallback.heads)
    const kvHeads = this.size('num_key_value_heads', fallback.kvHeads ?? heads)
    const headDim = this.size('head_dim', fallback.headDim ?? this.size('hidden_size') / heads)
    if (heads % kvHeads !== 0) {
      this.fail('num_key_value_heads', `does not divide num_attention_heads (${heads})`)
    }
    if (headDim % 2 !== 0) this.fail('head_dim', 'is odd; rotary positions need pairs')
    return { heads, kvHeads, headDim }
  }

  /** New files keep all of it in `rope_parameters`, old ones theta in a key of its own and the rest in `rope_scaling`. */
  rope(fallbackTheta: number, types: readonly RopeType[]): Rope {
    const { rope_parameters: parameters, rope_scaling: scaling } = this.json
    const both = { ...(isObject(parameters) ? parameters : {}), ...(isObject(scaling) ? scaling : {}) }
    return this.ropePart(both, 'rope_theta', fallbackTheta, types)
  }

  /** One part of the rotary parameters; theta may be in `oldKey` of the file itself. */
  ropePart(part: Json, oldKey: string, fallbackTheta: number, types: readonly RopeType[]): Rope {
    const type = part.rope_type ?? part.type ?? 'default'
    if (!types.some((known) => known === type)) {
      const allowed = types.map((known) => `"${known}"`).join(' and ')
      this.fail('rope_scaling', `medtune supports ${allowed} scaling`, type)
    }
    const theta = part.rope_theta ?? this.positive(oldKey, fallbackTheta)
    if (!isPositive(theta)) return this.fail('rope_theta', 'is not a positive number', theta)
    if ((part.partial_rotary_factor ?? 1) !== 1)
      this.fail('partial_rotary_factor', 'must be 1: whole heads turn', part.partial_rotary_factor)
    const number = (key: string, what: string): number => {
      const value = part[key]
      return isPositive(value)
        ? value
        : this.fail('rope_scaling', `its ${what} is not a positive number`, value)
    }
    if (type === 'linear') return { theta, factor: number('factor', 'factor') }
    if (type !== 'llama3') return { theta, factor: 1 }
    const llama3 = {
      factor: number('factor', 'factor'),
      lowFactor: number('low_freq_factor', 'low_freq_factor'),
      highFactor: number('high_freq_factor', 'high_freq_factor'),
      originalLength: number('original_max_position_embeddings', 'original_max_position_embeddings'),
    }
    if (llama3.highFactor <= llama3.lowFactor)
      this.fail('rope_scaling', 'its high_freq_factor is not above its low_freq_factor', llama3.highFactor)
    return { theta, factor: 1, llama3 }
  }

  fail(key: string, problem: string, found: unknown = this.json[key]): never {
    const shown = found === undefined ? '' : ` (found ${JSON.stringify(found)})`
    throw new InputError(`${this.file}: ${key} ${problem}${shown}`)
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
