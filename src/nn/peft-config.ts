/** @file adapter_config.json of PEFT: what a LoRA is, read tolerantly, and refused where it is something else. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../util/errors.ts'
import type { TargetFilters } from './targets.ts'

/** What the file says, by the names of the recipe. */
export interface PeftConfig extends TargetFilters {
  readonly rank: number
  readonly alpha: number
  readonly targets: string | readonly string[]
  readonly rank_pattern: Readonly<Record<string, number>>
  readonly alpha_pattern: Readonly<Record<string, number>>
  readonly rslora: boolean
  readonly dora: boolean
}

/** Settings that change what is computed or stored, and that medtune does not build. */
const UNSUPPORTED: { readonly [key: string]: string } = {
  modules_to_save: 'trains whole modules beside the adapter',
  trainable_token_indices: 'trains rows of the embedding',
  target_parameters: 'adapts bare parameters',
  layer_replication: 'repeats layers of the model',
  lora_bias: 'adds a bias to B',
  fan_in_fan_out: 'stores weights transposed',
  alora_invocation_tokens: 'is an activated LoRA',
  arrow_config: 'routes between several adapters',
  use_qalora: 'is a QALoRA',
  use_bdlora: 'is a block-diagonal LoRA',
  kasa_config: 'is a KaSA',
  velora_config: 'is a VeLoRA',
  monteclora_config: 'is a MonteCLoRA',
}

/** Starts that change the base model: the adapter alone does not say what was trained. */
const MOVES_BASE = /^(pissa|olora|corda|loftq|lora_ga)/

/**
 * Reads `adapter_config.json` in `folder`. Unknown keys are passed over: each version of PEFT adds some.
 * @throws InputError
 */
export function readPeftConfig(folder: string): PeftConfig {
  const file = join(folder, 'adapter_config.json')
  const fail = (what: string): never => {
    throw new InputError(`${file}: ${what}`)
  }
  const json = readJson(file, fail)
  if (json.peft_type !== 'LORA')
    fail(`peft_type is ${JSON.stringify(json.peft_type ?? null)}; medtune reads adapters of type "LORA"`)
  for (const [key, why] of Object.entries(UNSUPPORTED)) {
    if (isSet(json[key])) fail(`${key} is ${short(json[key])}: it ${why}, which medtune does not support`)
  }
  if (typeof json.init_lora_weights === 'string' && MOVES_BASE.test(json.init_lora_weights)) {
    fail(
      `init_lora_weights is "${json.init_lora_weights}": the adapter belongs to base weights that were changed for it and are not here; ` +
        'save it from PEFT with path_initial_model_for_weight_conversion',
    )
  }
  return {
    rank: positive(json, 'r', 8, fail),
    alpha: positive(json, 'lora_alpha', 8, fail),
    targets: names(json, 'target_modules', fail) ?? fail('target_modules is missing'),
    exclude: names(json, 'exclude_modules', fail),
    layers_to_transform: layers(json, fail),
    layers_pattern: names(json, 'layers_pattern', fail),
    rank_pattern: pattern(json, 'rank_pattern', fail),
    alpha_pattern: pattern(json, 'alpha_pattern', fail),
    rslora: json.use_rslora === true,
    dora: json.use_dora === true,
  }
}

type Json = Readonly<Record<string, unknown>>
type Fail = (what: string) => never

function readJson(file: string, fail: Fail): Json {
  if (!existsSync(file)) fail('no such file; is this the folder of an adapter that PEFT or medtune wrote?')
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  } catch (error) {
    fail(`not JSON (${(error as Error).message})`)
  }
  return fail('not a JSON object')
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false
  if (Array.isArray(value)) return value.length > 0
  return typeof value !== 'object' || Object.keys(value).length > 0
}

function short(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

function positive(json: Json, key: string, otherwise: number, fail: Fail): number {
  const value = json[key] ?? otherwise
  if (typeof value === 'number' && value > 0 && (key !== 'r' || Number.isInteger(value))) return value
  return fail(`${key} is ${short(value)}, where a positive number belongs`)
}

function names(json: Json, key: string, fail: Fail): string | readonly string[] | undefined {
  const value = json[key] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  return fail(`${key} is ${short(value)}, where a text or a list of texts belongs`)
}

function layers(json: Json, fail: Fail): number | readonly number[] | undefined {
  const value = json.layers_to_transform ?? undefined
  if (value === undefined || Number.isInteger(value)) return value as number | undefined
  if (Array.isArray(value) && value.every(Number.isInteger)) return value
  return fail(`layers_to_transform is ${short(value)}, where numbers of layers belong`)
}

function pattern(json: Json, key: string, fail: Fail): Readonly<Record<string, number>> {
  const value = json[key] ?? {}
  const fits =
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value).every((v) => typeof v === 'number' && v > 0)
  return fits
    ? (value as Record<string, number>)
    : fail(`${key} is ${short(value)}, where patterns and numbers belong`)
}
