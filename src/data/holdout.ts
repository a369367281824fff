/** @file Cuts a data set into rows to train on and rows kept out of training. */
import type { Dataset, Row, Split } from '../plugin/contract.ts'
import { OptionError } from '../util/errors.ts'
import { permutation, streamSeed } from './order.ts'
import { numberRow } from './row-number.ts'

export interface HoldoutOptions {
  /** Rows kept out: a count, or below 1 a fraction of the rows (rounded up). */
  readonly holdout: number
  /** Read at most this many rows of the data set, holdout included. */
  readonly limit?: number | undefined
  readonly seed: number
}

/**
 * A data set whose two splits share no row: the holdout is chosen by the seed, unless the data set brings its own, and
 * both keep the order of the file. The rows are counted once, by a first pass, where there is a holdout. Throws an OptionError ('holdout')
 * when it would leave nothing to train on.
 */
export function heldOut(dataset: Dataset, options: HoldoutOptions): Dataset {
  let chosen: Promise<ReadonlySet<number>> | undefined
  return {
    async *read(split: Split) {
      if (split === 'holdout' && dataset.ownHoldout) return yield* dataset.read(split)
      chosen ??= choose(dataset, options)
      const held = await chosen
      if (split === 'holdout' && held.size === 0) return
      let index = 0
      for await (const row of limited(dataset, options.limit)) {
        const times =
          held.has(index) !== (split === 'holdout') ? 0 : split === 'train' ? repeats(dataset, row) : 1
        for (let i = 0; i < times; i++) yield numberRow(row, index + 1)
        index++
      }
    },
  }
}

/** What is wrong with `holdout` before a row is read. @throws OptionError ('holdout') */
export function checkHoldout({ ownHoldout }: Pick<Dataset, 'ownHoldout'>, holdout: number): void {
  if (holdout === 0) return
  if (ownHoldout) {
    throw new OptionError('holdout', 'would hold out rows beside those of dataset.validation; leave one out')
  }
  if (holdout > 1 && !Number.isInteger(holdout)) {
    throw new OptionError('holdout', `must be a whole number of rows, or a fraction below 1, not ${holdout}`)
  }
}

const repeats = (dataset: Dataset, row: Row): number => dataset.times?.(row) ?? 1

async function choose(
  dataset: Dataset,
  { holdout, limit, seed }: HoldoutOptions,
): Promise<ReadonlySet<number>> {
  if (holdout === 0) return new Set()
  checkHoldout(dataset, holdout)
  let rows = 0
  for await (const _ of limited(dataset, limit)) rows++
  const count = holdout < 1 ? Math.ceil(rows * holdout - 1e-9) : holdout
  if (count >= rows) {
    throw new OptionError(
      'holdout',
      `keeps ${count} of ${rows} row${rows === 1 ? '' : 's'} out, which leaves nothing to train on; choose fewer than ${rows}`,
    )
  }
  return new Set(permutation(rows, streamSeed(seed, 'holdout')).subarray(0, count))
}

async function* limited(dataset: Dataset, limit: number | undefined): AsyncGenerator<Row> {
  let count = 0
  for await (const row of dataset.read('train')) {
    yield row
    count++
    if (count === limit) return
  }
}
