/** @file Answers in text: prompts become requests to a generator, tokens become text, and texts that end an answer cut it. */
import type { Decoded, DecodePrompts, DecodeRequest, Sampling } from '../compute/generation/index.ts'
import type { Tokenizer } from '../data/index.ts'
import type { GenerateOptions, Generation, Subject } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { TextStream } from './text-stream.ts'

export interface GeneratorContext {
  readonly decode: DecodePrompts
  readonly tokenizer: Pick<Tokenizer, 'decodeText'>
  /** Tokens that end an answer where the caller names none. */
  readonly stopTokens: readonly number[]
  readonly maxLength: number
  /** How far the adapter is turned on. */
  readonly gain: number
  /** Hears how many prompts are answered of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Prompts that are decoded side by side. */
const ROWS = 16

/** One who keeps answers, and asks for those that are missing. */
export interface Keeper {
  /** Numbers of the prompts, in place of `first` and those that follow. */
  readonly numbers: readonly number[]
  /** Hears each answer once it is whole, without log-probabilities. */
  onAnswer(prompt: number, answer: Generation): void
}

/** As `Subject.generate`, for one who keeps answers too. */
export type Generator = (
  ...args: [...Parameters<Subject['generate']>, keeper?: Keeper]
) => ReturnType<Subject['generate']>

/** See `Subject.generate`. */
export function createGenerator(context: GeneratorContext): Generator {
  return async (prompts, options, onText, keeper) => {
    refusePrompts(prompts, context.maxLength)
    refuseOptions(options)
    const answers = prompts.map(() => new Answer(context.tokenizer, options.stop ?? []))
    const tell = (text: string, prompt: number): void => {
      if (text !== '') onText?.(text, prompt)
    }
    // Tokens are only asked for one by one where someone listens, and become text at once where that is needed.
    const listens = onText !== undefined || answers.some(({ watches }) => watches)
    const grown: number[][] = prompts.map(() => [])
    const onToken = (prompt: number, id: number): void => {
      grown[prompt]!.push(id)
      if (listens) tell(answers[prompt]!.push(id), prompt)
    }
    const whole = (prompt: number, one: Decoded): Generation => {
      const answer = answers[prompt]!
      if (!listens) for (const id of one.ids) answer.push(id)
      tell(answer.end(), prompt)
      return generation(one, answer)
    }
    const request = requestOf(prompts, options, context, keeper)
    const kept: Generation[] = []
    let done = 0
    const keep = (prompt: number, one: Decoded): Generation => {
      kept[prompt] = whole(prompt, one)
      keeper?.onAnswer(prompt, kept[prompt])
      return kept[prompt]
    }
    const onDone = (prompt: number): void => {
      context.onProgress?.(++done, prompts.length)
      if (keeper !== undefined) keep(prompt, decodedOf(grown[prompt]!, request))
    }
    const decoded = await context.decode(request, {
      onDone,
      signal: options.signal,
      ...((listens || keeper) && { onToken, ended: (prompt: number) => answers[prompt]!.ended }),
    })
    return decoded.map((one, prompt) => kept[prompt] ?? keep(prompt, one))
  }
}

/** An answer whose tokens were heard one by one. */
function decodedOf(ids: readonly number[], { stop }: Pick<DecodeRequest, 'stop'>): Decoded {
  const finish = stop.includes(ids.at(-1)!) ? 'stop' : 'length'
  return { ids: Int32Array.from(ids), finish, logProbs: new Float32Array() }
}

function refusePrompts(prompts: readonly Int32Array[], maxLength: number): void {
  prompts.forEach((ids, i) => {
    if (ids.length === 0) throw new InputError(`prompt ${i + 1} has no tokens; there is nothing to continue`)
    if (ids.length >= maxLength) {
      throw new InputError(
        `prompt ${i + 1} has ${ids.length} tokens; the model has ${maxLength} positions, and one must be left to write at`,
      )
    }
  })
}

/** These come from another program's code or options, which a type cannot hold to their ranges. */
function refuseOptions(options: GenerateOptions): void {
  const check = (name: keyof GenerateOptions, fits: (value: number) => boolean, what: string): void => {
    const value = options[name] as number | undefined
    if (value === undefined ? name === 'max_tokens' : !fits(value))
      throw new InputError(`generate: ${name} must be ${what}, found ${value}`)
  }
  const whole = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least
  check('max_tokens', whole(1), 'a whole number from 1 up')
  check('temperature', (value) => value >= 0 && value < Number.POSITIVE_INFINITY, 'a number from 0 up')
  check('top_k', whole(0), 'a whole number from 0 up')
  check('top_p', (value) => value > 0 && value <= 1, 'above 0 and at most 1')
  check('min_p', (value) => value >= 0 && value <= 1, 'from 0 to 1')
  check('repetition_penalty', (value) => value > 0 && value < Number.POSITIVE_INFINITY, 'above 0')
  check('seed', whole(0), 'a whole number from 0 up')
  check('first', whole(0), 'a whole number from 0 up')
}

function requestOf(
  prompts: readonly Int32Array[],
  options: GenerateOptions,
  { stopTokens, maxLength, gain }: GeneratorContext,
  keeper: Keeper | undefined,
): DecodeRequest {
  return {
    prompts,
    first: options.first ?? 0,
    ...(keeper && { numbers: keeper.numbers }),
    maxTokens: options.max_tokens,
    maxLength,
    stop: options.stop_tokens ?? stopTokens,
    sampling: sampling(options),
    logProbs: options.log_probs ?? false,
    gain,
    rows: ROWS,
  }
}

function sampling(options: GenerateOptions): Sampling {
  const { temperature = 0, top_k = 0, top_p = 1, min_p = 0, repetition_penalty = 1, seed = 0 } = options
  return { temperature, topK: top_k, topP: top_p, minP: min_p, repetitionPenalty: repetition_penalty, seed }
}

function generation({ ids, finish, logProbs }: Decoded, answer: Answer): Generation {
  const count = answer.cutAt ?? ids.length
  return {
    ids: ids.subarray(0, count),
    text: answer.text,
    finish: answer.ended ? 'stop' : finish,
    ...(logProbs.length > 0 && { logProbs: logProbs.subarray(0, count) }),
  }
}

/** The text of one answer while it grows. */
class Answer {
  readonly #stream: TextStream
  readonly #stops: readonly string[]
  #count = 0
  #whole = ''
  /** Characters of `#whole` that were told. */
  #told = 0
  /** Tokens up to the one that completed a stop text. */
  cutAt: number | undefined

  constructor(tokenizer: Pick<Tokenizer, 'decodeText'>, stops: readonly string[]) {
    this.#stream = new TextStream((ids) => tokenizer.decodeText(ids))
    this.#stops = stops.filter((stop) => stop !== '')
  }

  get watches(): boolean {
    return this.#stops.length > 0
  }

  get ended(): boolean {
    return this.cutAt !== undefined
  }

  get text(): string {
    return this.#whole
  }

  /** Returns what can be told: nothing that may be the beginning of a stop text. */
  push(id: number): string {
    if (this.ended) return ''
    this.#count++
    this.#whole += this.#stream.push(id)
    return this.#tell(this.#held())
  }

  end(): string {
    if (this.ended) return ''
    this.#whole += this.#stream.end()
    this.#cut()
    return this.#tell(0)
  }

  #tell(held: number): string {
    this.#cut()
    const upTo = Math.max(this.#told, this.#whole.length - (this.ended ? 0 : held))
    const text = this.#whole.slice(this.#told, upTo)
    this.#told = upTo
    return text
  }

  #cut(): void {
    if (this.ended) return
    const found = this.#stops.map((stop) => this.#whole.indexOf(stop)).filter((at) => at >= 0)
    if (found.length === 0) return
    this.#whole = this.#whole.slice(0, Math.min(...found))
    this.cutAt = this.#count
  }

  /** Longest end of the text that begins a stop text. */
  #held(): number {
    const lengths = this.#stops.map((stop) => {
      let length = Math.min(stop.length - 1, this.#whole.length)
      while (length > 0 && !this.#whole.endsWith(stop.slice(0, length))) length--
      return length
    })
    return Math.max(0, ...lengths)
  }
}
