/**
 * @file The loop of a generator: prompts are read in chunks, then every row takes a token a step. Rows that end
 * make room for prompts that wait, so that the batch stays full; which prompts share it changes no answer but
 * by rounding.
 */
import type { CompiledProgram, Dims, Feeds } from '../executor.ts'
import type { Program } from '../graph.ts'
import { Cache } from './cache.ts'
import { type KeptLayer, keptLayers, LAST, LOGITS } from './program.ts'
import type { DecodeControl, Decoded, DecodePrompts, DecodeRequest } from './request.ts'
import { chooseToken, logProb } from './sample.ts'

/** Runs a generator; outputs need only last until the next run. */
export type RunGenerator = (feeds: Feeds, dims: Dims) => Promise<Readonly<Record<string, Float32Array>>>

/** Tokens of a row, and of all rows, in one run over prompts. */
const CHUNK = 512
const TOKENS = 2048

/** Most that is kept of all rows together, but for a single row, which has what it needs. */
const CACHE_BYTES = 2 ** 30

/** A prompt while its answer is written. */
interface Row {
  readonly prompt: number
  readonly asked: Int32Array
  readonly ids: number[]
  readonly logProbs: number[]
  finish: Decoded['finish'] | undefined
}

/** One answer for each prompt, in order. Prompts are not empty and leave a position to write at. */
export async function decode(
  run: RunGenerator,
  layers: readonly KeptLayer[],
  request: DecodeRequest,
  control: DecodeControl = {},
): Promise<Decoded[]> {
  const decoder = new Decoder(run, layers, request, control)
  return decoder.all()
}

/** The executor's own way where it has one, else this loop over its runs. */
export function decoderOf(compiled: CompiledProgram, { inputs }: Program): DecodePrompts {
  if (compiled.decode) return compiled.decode
  const names = new Set(inputs.map(({ name }) => name))
  const layers = keptLayers(inputs.map(({ name, value }) => ({ name, shape: value.shape })))
  const run: RunGenerator = (feeds, dims) => {
    const wanted = Object.entries(feeds).filter(([name]) => names.has(name))
    return compiled.run(Object.fromEntries(wanted), dims, false)
  }
  return (request, control) => decode(run, layers, request, control)
}

class Decoder {
  readonly #run: RunGenerator
  readonly #request: DecodeRequest
  readonly #control: DecodeControl
  readonly #cache: Cache
  readonly #size: number
  readonly #done: Decoded[] = []
  /** Row i of the cache belongs to rows[i]. */
  readonly #rows: Row[] = []
  readonly #waiting: Row[]

  constructor(
    run: RunGenerator,
    layers: readonly KeptLayer[],
    request: DecodeRequest,
    control: DecodeControl,
  ) {
    const { prompts, rows } = request
    this.#run = run
    this.#request = request
    this.#control = control
    this.#size = Math.min(rows, prompts.length, affordable(layers, request))
    this.#cache = new Cache(layers, this.#size)
    // Prompts of about the same length are read together; the longest first, when memory is asked for anyway.
    this.#waiting = prompts
      .map((asked, prompt): Row => ({ prompt, asked, ids: [], logProbs: [], finish: undefined }))
      .sort((a, b) => order(a.asked, b.asked) || a.prompt - b.prompt)
  }

  async all(): Promise<Decoded[]> {
    while (this.#waiting.length + this.#rows.length > 0) {
      while (this.#waiting.length > 0 && this.#rows.length < this.#size) await this.#admit()
      if (this.#rows.length > 0) await this.#step()
    }
    return this.#done
  }

  /** Reads a group of prompts and takes the first token of each answer. Equal prompts are read once. */
  async #admit(): Promise<void> {
    const longest = this.#waiting.at(-1)!.asked.length
    const fit = Math.max(1, Math.floor(TOKENS / Math.min(longest, CHUNK)))
    const count = Math.min(fit, this.#size - this.#rows.length, this.#waiting.length)
    const alike = gathered(this.#waiting.splice(-count).reverse())
    const asked = alike.map(([first]) => first!.asked)
    const from = this.#rows.length
    for (const i of asked.keys()) this.#cache.empty(from + i)
    for (let start = 0; start < longest; start += CHUNK) {
      const parts = asked.map((ids) => ids.subarray(start, start + CHUNK))
      const last = asked.map((ids) => ids.length > start && ids.length <= start + CHUNK)
      const logits = await this.#forward(from, parts, start, last)
      alike.forEach((rows, i) => {
        if (!last[i]) return
        const own = logits.shift()!
        // A penalty changes the logits of the row that it is for.
        for (const row of rows) this.#take(row, rows.length === 1 ? own : own.slice())
      })
    }
    this.#rows.push(...alike.map(([first]) => first!))
    alike.forEach(([, ...others], i) => {
      for (const row of others) this.#cache.copy(from + i, this.#rows.push(row) - 1)
    })
    this.#release()
  }

  /** Every row's newest token goes in, and its next one comes out. */
  async #step(): Promise<void> {
    const tokens = this.#rows.map(({ ids }) => Int32Array.of(ids.at(-1)!))
    const logits = await this.#forward(
      0,
      tokens,
      undefined,
      tokens.map(() => true),
    )
    this.#rows.forEach((row, i) => {
      this.#take(row, logits[i]!)
    })
    this.#release()
  }

  /**
   * Runs tokens of the cache's rows [from, ...) and keeps them. Logits come back for the last token of each part
   * that `wanted` names.
   */
  async #forward(
    from: number,
    parts: readonly Int32Array[],
    start: number | undefined,
    wanted: readonly boolean[],
  ): Promise<Float32Array[]> {
    this.#control.signal?.throwIfAborted()
    const length = Math.max(...parts.map((part) => part.length))
    const [count, cache] = [parts.length, this.#cache]
    cache.reserve(Math.max(...parts.map((part, i) => cache.used[from + i]! + part.length)))
    const ids = new Int32Array(count * length)
    const position = new Int32Array(count * length)
    const segment = new Int32Array(count * length).fill(-1)
    parts.forEach((part, i) => {
      ids.set(part, i * length)
      segment.fill(0, i * length, i * length + part.length)
      for (let t = 0; t < part.length; t++) position[i * length + t] = (start ?? cache.used[from + i]!) + t
    })
    const asked = parts.flatMap((part, i) => (wanted[i] ? [i * length + part.length - 1] : []))
    // A graph over no label at all is a case of its own that nobody needs.
    const last = Int32Array.from(asked.length > 0 ? asked : [0])
    const branch = new Int32Array(count * length)
    const gain = Float32Array.of(this.#request.gain)
    const { past, feeds } = cache.kept(from, count)
    const outputs = await this.#run(
      { ids, position, segment, branch, gain, [LAST]: last, ...feeds },
      { rows: count, length, past, labels: last.length },
    )
    cache.append(
      from,
      parts.map((part) => part.length),
      length,
      outputs,
    )
    const logits = outputs[LOGITS]!
    const vocabulary = logits.length / last.length
    return asked.map((_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary))
  }

  /** The row's next token from its logits. */
  #take(row: Row, logits: Float32Array): void {
    const { sampling, first, numbers, maxTokens, maxLength, stop, logProbs } = this.#request
    const { prompt, asked, ids } = row
    const raw = logProbs ? logits.slice() : logits
    const id = chooseToken(
      logits,
      seen(row, sampling.repetitionPenalty),
      sampling,
      numbers?.[prompt] ?? first + prompt,
      ids.length,
    )
    ids.push(id)
    if (logProbs) row.logProbs.push(logProb(raw, id))
    this.#control.onToken?.(prompt, id)
    if (stop.includes(id)) row.finish = 'stop'
    else if (ids.length >= maxTokens || asked.length + ids.length >= maxLength) row.finish = 'length'
  }

  /** Rows that have ended leave; the last ones take their places. */
  #release(): void {
    const rows = this.#rows
    for (let i = rows.length - 1; i >= 0; i--) {
      const { prompt, ids, logProbs, finish } = rows[i]!
      const ended = finish ?? (this.#control.ended?.(prompt) ? 'stop' : undefined)
      if (!ended) continue
      this.#done[prompt] = { ids: Int32Array.from(ids), finish: ended, logProbs: Float32Array.from(logProbs) }
      this.#control.onDone?.(prompt)
      const mover = rows.pop()!
      if (i === rows.length) continue
      rows[i] = mover
      this.#cache.copy(rows.length, i)
    }
  }
}

/** Rows whose keys and values fit into memory side by side, were all of them to grow as long as they may. */
function affordable(layers: readonly KeptLayer[], { prompts, maxTokens, maxLength }: DecodeRequest): number {
  const each = layers.reduce((total, { heads, headDim }) => total + 2 * heads * headDim, 0)
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0)
  const bytes = 4 * each * Math.min(maxLength, longest + maxTokens)
  return Math.max(1, Math.floor(CACHE_BYTES / bytes))
}

/** By length, then by the tokens, so that equal prompts are neighbours. */
function order(a: Int32Array, b: Int32Array): number {
  if (a.length !== b.length) return a.length - b.length
  const at = a.findIndex((id, i) => id !== b[i])
  return at < 0 ? 0 : a[at]! - b[at]!
}

/** Neighbours with equal prompts together. */
function gathered(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = []
  for (const row of rows) {
    const open = groups.at(-1)
    if (open && order(open[0]!.asked, row.asked) === 0) open.push(row)
    else groups.push([row])
  }
  return groups
}

/** Nothing is asked of it where there is no penalty. */
function seen({ asked, ids }: Row, penalty: number): Iterable<number> {
  return penalty === 1 ? [] : [...asked, ...ids]
}
