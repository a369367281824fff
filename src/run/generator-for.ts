/** @file Generation by the engine of a run, base or tuned. */
import type { Tokenizer } from '../data/index.ts'
import { createGenerator, type Generator } from '../eval/generate.ts'
import { stopTokens } from '../eval/stop-tokens.ts'
import type { Model, Template } from '../plugin/contract.ts'
import { type Engine, GAIN } from './engine.ts'

/** `onProgress` hears how many prompts are answered of how many. */
export function generatorFor(
  which: keyof typeof GAIN,
  { decode }: Pick<Engine, 'decode'>,
  model: Model,
  tokenizer: Tokenizer,
  template: Template,
  onProgress?: (done: number, total: number) => void,
): Generator {
  return createGenerator({
    decode,
    tokenizer,
    stopTokens: stopTokens(model, tokenizer, template),
    maxLength: model.maxLength,
    gain: GAIN[which],
    ...(onProgress && { onProgress }),
  })
}
