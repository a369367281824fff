/**
 * @file The order in which documents reach the executor: windows of rows, packed, shuffled, cut into
 * micro-batches and gathered into optimizer steps. Everything follows from the options and the seed.
 */
import { type Batch, collate, type EncodedSplit, epochOrder, labelCount, packBins } from '../data/index.ts'
import type { Encoded } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'

export interface BatchOptions {
  readonly epochs: number
  /** Optimizer steps; set, it decides instead of `epochs`, and epochs repeat as needed. */
  readonly steps?: number
  /** Rows of a micro-batch. */
  readonly batch_size: number
  /** Micro-batches of an optimizer step; the last step of an epoch may have fewer. */
  readonly accumulate: number
  readonly max_length: number
  readonly pack: boolean
  readonly shuffle: boolean
  /** `whole` shuffles the rows of all windows together, as TRL does; `stream`, the default, each window's by itself. */
  readonly order?: 'stream' | 'whole'
}

/** Where in the rows of a run the next optimizer step begins. All that resuming needs: randomness has no state. */
export interface Cursor {
  /** From 0. */
  readonly epoch: number
  /** Which of the parts that are shuffled by themselves: a window, or with order `whole` the only one. */
  readonly part: number
  /** Rows of that part, in their order, that are done. */
  readonly row: number
}

export interface StreamStart {
  /** Optimizer steps that are done. */
  readonly step: number
  readonly cursor: Cursor
}

export const FROM_THE_START: StreamStart = { step: 0, cursor: { epoch: 0, part: 0, row: 0 } }

export interface MicroBatch {
  /** Labels weigh 1/N, with N the labels of the whole step. */
  readonly batch: Batch
  /** Optimizer step that this belongs to, from 1. */
  readonly step: number
  /** Rows of its step that come before its own. */
  readonly row: number
  /** From 0. */
  readonly epoch: number
  /** Whether the optimizer steps after this. */
  readonly last: boolean
  /** Where the step after this one begins. */
  readonly next: Cursor
  /** Steps of the whole run, as far as known; see `totalSteps`. */
  readonly total: number
}

type Row = readonly Encoded[]

/** Documents that TRL packs at a time. */
const PACKED_TOGETHER = 1000

interface PlacedRow {
  readonly row: Row
  /** Whether it lies in the first window of the first epoch. */
  readonly early: boolean
}

/**
 * Micro-batches of the run in order, from a point on: what lies before it is neither packed nor collated, and
 * what follows is the same as if all had been asked for.
 * @throws InputError where the split has no documents
 */
export async function* microBatches(
  split: EncodedSplit,
  options: BatchOptions,
  seed: number,
  start: StreamStart = FROM_THE_START,
): AsyncGenerator<MicroBatch, void> {
  const totals = new Totals(split, options)
  let { step, cursor } = start
  for (;;) {
    // An epoch that was left behind its last row has none any more, which is no lack of rows.
    let any = cursor.part > 0 || cursor.row > 0
    const { epoch } = cursor
    for await (const { rows, next } of steps(split, options, seed, cursor)) {
      any = true
      step++
      const total = await totals.at(rows[0]!.early)
      yield* microBatchesOf(rows, options.batch_size, { step, epoch, total, next })
      if (step >= total) return
    }
    if (!any) throw new InputError('no rows are left to train on: see the census for what became of them')
    cursor = { epoch: epoch + 1, part: 0, row: 0 }
  }
}

/** The rows of one optimizer step, cut into micro-batches whose labels share one weight. */
function* microBatchesOf(
  placed: readonly PlacedRow[],
  size: number,
  at: Pick<MicroBatch, 'step' | 'epoch' | 'total' | 'next'>,
): Generator<MicroBatch> {
  const rows = placed.map(({ row }) => row)
  const labels = rows.flat().reduce((total, document) => total + labelCount(document), 0)
  for (let row = 0; row < rows.length; row += size) {
    const batch = collate(rows.slice(row, row + size), 1 / labels)
    yield { batch, ...at, row, last: row + size >= rows.length }
  }
}

interface StepRows {
  readonly rows: readonly PlacedRow[]
  readonly next: Cursor
}

/** Rows of the rest of an epoch, `batch_size * accumulate` at a time; what is left over comes last. */
async function* steps(
  split: EncodedSplit,
  options: BatchOptions,
  seed: number,
  { epoch, part: first, row: done }: Cursor,
): AsyncGenerator<StepRows> {
  const size = options.batch_size * options.accumulate
  let rows: PlacedRow[] = []
  let part = first
  for await (const packed of packedRows(split, options, { from: first })) {
    // The first part's order is torch's for (seed, epoch); the others must not repeat it.
    const order = options.shuffle ? epochOrder(packed.length, seed + 7919 * part, epoch) : [...packed.keys()]
    const early = part === 0 && epoch === 0 && options.order !== 'whole'
    for (let row = part === first ? done : 0; row < order.length; row++) {
      rows.push({ row: packed[order[row]!]!, early })
      if (rows.length < size) continue
      yield { rows, next: { epoch, part, row: row + 1 } }
      rows = []
    }
    part++
  }
  if (rows.length > 0) yield { rows, next: { epoch: epoch + 1, part: 0, row: 0 } }
}

type PackOptions = Pick<BatchOptions, 'pack' | 'max_length' | 'order'>

/**
 * Packed rows that are shuffled together: those of one window after another, or of the whole split. TRL packs 1000
 * documents at a time, counted once rows without a label are gone; so does `whole`.
 */
async function* packedRows(
  split: EncodedSplit,
  options: PackOptions,
  { from = 0, to = split.windows }: { readonly from?: number; readonly to?: number } = {},
): AsyncGenerator<Row[]> {
  const documents: Encoded[] = []
  for (let window = options.order === 'whole' ? 0 : from; window < to; window++) {
    if (options.order !== 'whole') yield packRows(await split.window(window), options)
    else for (const document of await split.window(window)) documents.push(document)
  }
  if (options.order !== 'whole') return
  const chunks = Array.from({ length: Math.ceil(documents.length / PACKED_TOGETHER) }, (_, chunk) =>
    documents.slice(chunk * PACKED_TOGETHER, (chunk + 1) * PACKED_TOGETHER),
  )
  yield chunks.flatMap((chunk) => packRows(chunk, options))
}

function packRows(
  documents: readonly Encoded[],
  { pack, max_length }: Pick<BatchOptions, 'pack' | 'max_length'>,
): Row[] {
  if (!pack) return documents.map((document) => [document])
  const lengths = documents.map(({ ids }) => ids.length)
  return packBins(lengths, max_length).map((bin) => bin.map((index) => documents[index]!))
}

/**
 * How many optimizer steps there will be. The schedule needs the number from the first step on, but with
 * several windows the number of packed rows is known only once all are tokenised. Within the first window
 * it is therefore an estimate (as if every window packed like the first); from the second window on it is
 * exact. So training never waits for the whole data set, and the same recipe always takes the same steps.
 */
class Totals {
  private readonly split: EncodedSplit
  private readonly options: BatchOptions
  private exact: Promise<number> | undefined
  private estimate: Promise<number> | undefined

  constructor(split: EncodedSplit, options: BatchOptions) {
    this.split = split
    this.options = options
  }

  at(early: boolean): Promise<number> {
    if (early && this.split.windows > 1) {
      this.estimate ??= this.rows(1).then((rows) => totalSteps(rows * this.split.windows, this.options))
      return this.estimate
    }
    this.exact ??= this.rows(this.split.windows).then((rows) => totalSteps(rows, this.options))
    return this.exact
  }

  private rows(windows: number): Promise<number> {
    return this.options.steps === undefined
      ? countRows(this.split, this.options, windows)
      : Promise.resolve(0)
  }
}

/** Packed rows of the first `windows` windows: of a whole epoch, if left out. */
export async function countRows(
  split: EncodedSplit,
  options: PackOptions,
  windows = split.windows,
): Promise<number> {
  let rows = 0
  for await (const packed of packedRows(split, options, { to: windows })) rows += packed.length
  return rows
}

/** Optimizer steps of a run whose epochs have `rows` rows. */
export function totalSteps(
  rows: number,
  { steps, epochs, batch_size, accumulate }: Omit<BatchOptions, 'max_length' | 'pack' | 'shuffle'>,
): number {
  return steps ?? Math.ceil(epochs * Math.max(1, Math.ceil(Math.ceil(rows / batch_size) / accumulate)))
}
