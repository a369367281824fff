/** @file What is asked of a generator and what comes back: plain data, so that it can cross to a thread. */

/** How a token is taken from its logits; semantics of transformers' logits processors of the same names. */
export interface Sampling {
  /** 0: the likeliest token, and the three cuts do nothing. */
  readonly temperature: number
  /** 0: no cut. */
  readonly topK: number
  /** 1: no cut. */
  readonly topP: number
  /** 0: no cut. */
  readonly minP: number
  /** 1: none. */
  readonly repetitionPenalty: number
  readonly seed: number
}

export interface DecodeRequest {
  readonly prompts: readonly Int32Array[]
  /** Number of the first prompt, for its random numbers. */
  readonly first: number
  /** The numbers of the prompts, where they do not follow one another. */
  readonly numbers?: readonly number[]
  readonly maxTokens: number
  /** Positions that the model has; none is written beyond the last. */
  readonly maxLength: number
  /** Tokens that end an answer. */
  readonly stop: readonly number[]
  readonly sampling: Sampling
  readonly logProbs: boolean
  /** How far the adapter is turned on. */
  readonly gain: number
  /** Prompts that are decoded side by side. */
  readonly rows: number
}

export interface Decoded {
  /** One that ended the answer is the last. */
  readonly ids: Int32Array
  readonly finish: 'stop' | 'length'
  /** One a token where they were asked for, else empty. */
  readonly logProbs: Float32Array
}

/** What the one who asks hears and says while tokens come. */
export interface DecodeControl {
  onToken?(prompt: number, id: number): void
  /** An answer is whole. */
  onDone?(prompt: number): void
  /** Whether an answer that its tokens did not end has ended all the same; it may run on for a few tokens. */
  ended?(prompt: number): boolean
  /** Stops between two steps by throwing its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Answers prompts, wherever that is done. */
export type DecodePrompts = (request: DecodeRequest, control?: DecodeControl) => Promise<readonly Decoded[]>
