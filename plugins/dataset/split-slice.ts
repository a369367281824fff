/** @file A split with a slice, `train[10%:20%]`, as the `datasets` library writes it. */
import { InputError, OptionError, type Row } from 'medtune/plugin'

/** One end of a slice: rows from the start, or from the end where negative; or a percentage of all rows. */
interface Bound {
  readonly value: number
  readonly percent: boolean
}

export interface SplitSlice {
  readonly split: string
  /** Undefined where the whole split is meant. */
  readonly slice: { readonly from: Bound | undefined; readonly to: Bound | undefined } | undefined
}

/** Throws an OptionError at `option` where the text is neither a name nor a name with a slice. */
export function parseSplit(text: string, option = 'split'): SplitSlice {
  const bound = String.raw`(-?\d[\d_]*%?)?`
  const match = new RegExp(String.raw`^([^[\]+\s]+)(?:\[\s*${bound}\s*:\s*${bound}\s*\])?$`).exec(text.trim())
  if (match === null) {
    throw new OptionError(
      option,
      `"${text}" is no split; write its name, or with a slice train[:1000], train[-500:], train[10%:20%]`,
    )
  }
  const [, split = '', from, to] = match
  if (from && to && from.endsWith('%') !== to.endsWith('%'))
    throw new OptionError(option, `"${text}": write both ends in rows, or both in per cent`)
  const whole = !text.includes('[')
  return { split, slice: whole ? undefined : { from: parseBound(from, option), to: parseBound(to, option) } }
}

function parseBound(text: string | undefined, option: string): Bound | undefined {
  if (text === undefined) return undefined
  const percent = text.endsWith('%')
  const value = Number.parseInt(text.replaceAll('_', ''), 10)
  if (percent && Math.abs(value) > 100) throw new OptionError(option, `${text} is more than all of the split`)
  return { value, percent }
}

/**
 * The rows of the slice, which is cut to the rows that there are, as `datasets` does. A percentage or a place from the
 * end is counted from all rows, which are then read twice. Throws an InputError where the slice is empty.
 * @param rows begins from the first row each time
 * @param short told that the slice reaches beyond the rows
 */
export async function* sliceRows(
  { split, slice }: SplitSlice,
  rows: () => AsyncIterable<Row>,
  short: (message: string) => void = () => {},
): AsyncGenerator<Row> {
  if (slice === undefined) return yield* rows()
  const relative = [slice.from, slice.to].some((bound) => bound && (bound.percent || bound.value < 0))
  const total = relative ? await countRows(rows()) : undefined
  const from = place(slice.from, total) ?? 0
  const to = place(slice.to, total) ?? Number.POSITIVE_INFINITY
  const empty = (found: string): InputError =>
    new InputError(`the slice of ${split} is empty: it goes from row ${from} to ${to}${found}`)
  if (from >= to) throw empty(total === undefined ? '' : `, and there are ${total}`)
  let index = 0
  for await (const row of rows()) {
    if (index >= from) yield row
    index++
    if (index >= to) return
  }
  if (index <= from) throw empty(`, and there are ${index}`)
  if (Number.isFinite(to)) short(`the slice of ${split} reaches to row ${to}, and there are only ${index}`)
}

/** Percentages are rounded to the nearest row, halves to the even one, as Python does. */
function place(bound: Bound | undefined, total: number | undefined): number | undefined {
  if (bound === undefined) return undefined
  const rows = bound.percent ? roundToEven((bound.value * total!) / 100) : bound.value
  return rows >= 0 ? rows : Math.max(0, total! + rows)
}

function roundToEven(value: number): number {
  const below = Math.floor(value)
  return value - below === 0.5 ? below + Math.abs(below % 2) : Math.round(value)
}

async function countRows(rows: AsyncIterable<Row>): Promise<number> {
  let count = 0
  for await (const _ of rows) count++
  return count
}
