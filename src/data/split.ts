/**
 * @file A split of a data set, tokenised window by window while training already runs. Rows are rendered once,
 * at the start; what takes long, tokenising, happens in worker threads ahead of need and is cached by content.
 */
import { createHash } from 'node:crypto'
import type { Dataset, Encoded, Split, Template } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { type Census, sumCensus } from './census.ts'
import { type EncodedWindow, splitDocuments } from './encode-window.ts'
import { inlineEncoder, type WindowEncoder, workerEncoder } from './encoder.ts'
import { FindingsCollector, type RenderFindings, type RowFindings } from './findings.ts'
import type { OverLength } from './length-policy.ts'
import { permutation, streamSeed } from './order.ts'
import { type RowStore, renderRows } from './row-store.ts'
import type { TokeniseOptions } from './tokenise-worker.ts'
import { hashTokenizer } from './tokenizer-files.ts'
import { CACHE_VERSION, diskCache, memoryCache, type WindowCache, withFallback } from './window-cache.ts'

/** Rows of a window. Packing never crosses windows, as in TRL, which packs 1000 rows at a time. */
export const WINDOW_ROWS = 1000
/** Fewer rows than this are tokenised before a worker has even started. */
const INLINE_ROWS = 64

export interface SplitOptions {
  readonly dataset: Dataset
  readonly split: Split
  readonly template: Template
  /** Folder that holds tokenizer.json and tokenizer_config.json. */
  readonly tokenizer: string
  /** Vocabulary of the model; a larger id is an InputError. */
  readonly vocabSize: number
  readonly maxLength: number
  readonly overLength: OverLength
  /** Spread the rows over the windows by `seed` where there are several. */
  readonly shuffle: boolean
  readonly seed: number
  /** Where tokenised windows are kept for the next run; left out, they stay in memory. */
  readonly cacheDir?: string | undefined
  /** Tokenising threads; 0 for none. */
  readonly workers?: number | undefined
}

export interface EncodedSplit {
  /** SHA-256 (hex) of the rendered rows, in their order. */
  readonly digest: string
  /** Number of windows: rows / 1000, rounded up. */
  readonly windows: number
  /** The documents of a window that are left after the length policy, in order. Rejects with what made tokenising fail. */
  window(index: number): Promise<readonly Encoded[]>
  /** Known once every window is tokenised. Rejects like `window`, and with an InputError where no document is left. */
  readonly census: Promise<Census>
  /** What is odd about the rows; known with the census, and rejects with it. */
  readonly findings: Promise<RowFindings>
  close(): Promise<void>
}

/** Reads and renders all rows, then tokenises in the background. Throws an InputError for an empty training split. */
export async function encodeSplit(options: SplitOptions): Promise<EncodedSplit> {
  const { split, seed, cacheDir, workers = 1 } = options
  const [tokenizerHash, { rows, findings }] = await Promise.all([
    hashTokenizer(options.tokenizer),
    renderRows(options.dataset, split, options.template),
  ])
  if (rows.count === 0 && split === 'train') {
    rows.close()
    throw new InputError('the data set has no rows to train on')
  }
  const shuffled = options.shuffle && rows.count > WINDOW_ROWS
  const order = shuffled ? permutation(rows.count, streamSeed(seed, 'rows')) : undefined
  const tokenise: TokeniseOptions = {
    folder: options.tokenizer,
    maxLength: options.maxLength,
    overLength: options.overLength,
    vocabSize: options.vocabSize,
  }
  const { folder: _, ...policy } = tokenise
  const key = createHash('sha256')
    .update(
      JSON.stringify([
        CACHE_VERSION,
        WINDOW_ROWS,
        tokenizerHash,
        rows.digest(),
        policy,
        shuffled ? seed : null,
      ]),
    )
    .digest('hex')
    .slice(0, 32)
  const cache = cacheDir === undefined ? memoryCache() : withFallback(diskCache(cacheDir, key))
  const inline = workers === 0 || rows.count < INLINE_ROWS
  const encoder = inline ? inlineEncoder(tokenise) : workerEncoder(workers, tokenise)
  return new WindowedSplit({
    rows,
    rendered: findings,
    order,
    cache,
    encoder,
    ahead: inline ? 1 : workers,
    split,
  })
}

interface Parts {
  readonly rows: RowStore
  readonly rendered: RenderFindings
  readonly order: Int32Array | undefined
  readonly cache: WindowCache
  readonly encoder: WindowEncoder
  /** Windows tokenised at a time in the background. */
  readonly ahead: number
  readonly split: Split
}

class WindowedSplit implements EncodedSplit {
  readonly digest: string
  readonly windows: number
  readonly census: Promise<Census>
  readonly findings: Promise<RowFindings>
  readonly #parts: Parts
  readonly #collector: FindingsCollector
  /** Windows on their way, so that no window is tokenised twice. */
  readonly #underway = new Map<number, Promise<EncodedWindow>>()
  #closed = false
  /** What made the background fail: the reason for whatever stopped with it. */
  #failure: { readonly error: unknown } | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.digest = parts.rows.digest()
    this.#collector = new FindingsCollector(parts.rows.count)
    this.windows = Math.ceil(parts.rows.count / WINDOW_ROWS)
    this.census = this.#takeCensus()
    // Whoever awaits the census or a window gets the error; unawaited it must not end the process.
    this.census.catch(() => {})
    const numbers = parts.rows.numbers()
    this.findings = this.census.then(() => this.#collector.findings(parts.rendered, numbers))
    this.findings.catch(() => {})
  }

  async window(index: number): Promise<readonly Encoded[]> {
    if (!(index >= 0 && index < this.windows))
      throw new RangeError(`there is no window ${index} of ${this.windows}`)
    const documents = splitDocuments(await this.#demanded(index))
    // One empty window is no error, unless all of them are.
    if (documents.length === 0) await this.census
    return documents
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#parts.encoder.rest()
    await Promise.allSettled(this.#underway.values())
    this.#parts.rows.close()
  }

  async #demanded(index: number): Promise<EncodedWindow> {
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      return await this.#window(index)
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error
    }
  }

  #window(index: number): Promise<EncodedWindow> {
    const underway = this.#underway.get(index)
    if (underway !== undefined) return underway
    const window = this.#produce(index).finally(() => this.#underway.delete(index))
    this.#underway.set(index, window)
    return window
  }

  async #produce(index: number): Promise<EncodedWindow> {
    const { rows, cache, encoder } = this.#parts
    const cached = await cache.read(index)
    if (cached !== undefined) return cached
    if (this.#closed) throw new Error('the split is closed')
    const window = await encoder.encode(this.#places(index).map((place) => rows.read(place)))
    await cache.write(index, window)
    return window
  }

  /** Where in the split each row of a window stands. */
  #places(index: number): number[] {
    const { rows, order } = this.#parts
    const start = index * WINDOW_ROWS
    const count = Math.min(WINDOW_ROWS, rows.count - start)
    return Array.from({ length: count }, (_, i) => order?.[start + i] ?? start + i)
  }

  async #takeCensus(): Promise<Census> {
    const parts: Census[] = []
    let next = 0
    const lane = async () => {
      while (next < this.windows && !this.#closed) {
        const index = next++
        const window = await this.#window(index)
        this.#collector.add(window, this.#places(index))
        parts[index] = window.census
      }
    }
    try {
      await Promise.all(Array.from({ length: this.#parts.ahead }, lane))
    } catch (error) {
      this.#failure = { error }
      throw error
    } finally {
      await this.#parts.encoder.rest()
    }
    if (this.#closed && parts.length < this.windows)
      throw new Error('the split was closed before all of it was tokenised')
    const census = sumCensus(parts)
    if (census.rows > 0 && census.documents === 0) throw nothingLeft(census)
    return census
  }
}

function nothingLeft({ rows, dropped, unlabelled }: Census): InputError {
  return new InputError(
    `none of the ${rows} rows is left: ${dropped} are longer than train.max_length, and ${unlabelled} have no token to learn within it; raise train.max_length or look at the template`,
  )
}
