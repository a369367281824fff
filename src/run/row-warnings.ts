/** @file Warns of rows that will not teach what they seem to: cut, empty, doubled, without an end, on both sides of the holdout. */
import {
  type Census,
  type EncodedSplit,
  type PairList,
  type RowFindings,
  type RowList,
  sharedRows,
  type Tokenizer,
} from '../data/index.ts'
import { readGenerationConfig } from '../eval/stop-tokens.ts'
import type { Model, Split, StageContext } from '../plugin/contract.ts'

type Warn = StageContext['warn']

export interface Splits {
  readonly train: EncodedSplit
  readonly holdout: EncodedSplit | undefined
}

/** Warns as soon as each split is known; rejects with what made tokenising fail. */
export async function checkSplits(
  { train, holdout }: Splits,
  tokenizer: Tokenizer,
  model: Model,
  warn: Warn,
): Promise<void> {
  const check = async (name: Split, split: EncodedSplit | undefined): Promise<RowFindings | undefined> => {
    if (split === undefined) return undefined
    const census = await split.census
    warnOfLosses(name, census, warn)
    const findings = await split.findings
    warnOfRows(name, census, findings, warn)
    if (name === 'train') warnOfEnds(census, findings, tokenizer, model, warn)
    return findings
  }
  const [trained, held] = await Promise.all([check('train', train), check('holdout', holdout)])
  if (trained && held) warnOfLeaks(held, trained, warn)
}

/** Says what part of a split will not be learned from as it stands. */
function warnOfLosses(split: Split, census: Census, warn: Warn): void {
  const { rows, truncated, dropped, unlabelled, longest } = census
  const part = (count: number, what: string): string => `${split}: ${count} of ${rows} rows ${what}`
  if (truncated > 0)
    warn('truncated', part(truncated, `were cut to train.max_length (the longest has ${longest} tokens)`))
  if (dropped > 0)
    warn(
      'dropped',
      part(dropped, `were longer than train.max_length and left out (the longest has ${longest} tokens)`),
    )
  if (unlabelled > 0) warn('unlabelled', part(unlabelled, 'had no token left to learn and were left out'))
}

/** A column that is empty in more of the rows than this is meant to be: some answers come with it, others without. */
const RARELY = 0.05

function warnOfRows(split: Split, { rows }: Census, findings: RowFindings, warn: Warn): void {
  const tell = (code: string, list: RowList, what: string): void => {
    if (list.count > 0) warn(code, `${split}: ${list.count} of ${rows} rows ${what} (${named(list)})`)
  }
  const { emptyAnswers, emptyColumns, doubleBos, noBos, duplicates } = findings
  tell('empty-answer', emptyAnswers, 'have an empty answer, which teaches the model to say nothing')
  for (const [column, list] of emptyColumns) {
    if (list.count > RARELY * rows) continue
    tell('empty-column', list, `have nothing in column "${column}", which leaves a hole in the answer`)
  }
  tell('double-bos', doubleBos, 'begin with two beginning-of-text tokens; the template writes one too many')
  tell('no-bos', noBos, "begin without the beginning-of-text token that the model's tokenizer puts there")
  if (duplicates.count > 0) {
    const what = 'say what an earlier row says, but for case and white space'
    warn('duplicates', `${split}: ${duplicates.count} of ${rows} rows ${what} (${pairs(duplicates)})`)
  }
}

/** A model learns to stop only from an end that is learned, and stops only at one that it is asked to stop at. */
function warnOfEnds(
  { ends, documents }: Census,
  { noEnd }: RowFindings,
  tokenizer: Tokenizer,
  model: Model,
  warn: Warn,
): void {
  const learned = Object.keys(ends)
  if (learned.length === 0) {
    warn('no-end', 'train: no row teaches a token that ends the answer: the model will not learn to stop')
    return
  }
  if (noEnd.count > 0)
    warn(
      'no-end',
      `train: ${noEnd.count} of ${documents} rows teach no token that ends the answer (${named(noEnd)})`,
    )
  const stops = statedStops(model)
  const unknown = learned.filter((end) => stops && !stops.has(tokenizer.tokenId(end)!))
  if (stops === undefined || unknown.length === 0) return
  const known = [...stops].map((id) => tokenizer.decode([id])).join(', ')
  warn(
    'stop-token',
    `train: answers end with ${unknown.join(', ')}, but the model's generation_config.json stops only at ${known}: add ` +
      `${unknown.map((end) => tokenizer.tokenId(end)).join(', ')} to its eos_token_id, or programs that go by this file run on`,
  )
}

/** Ids at which other programs stop; undefined where the model does not say. */
function statedStops({ folder }: Model): ReadonlySet<number> | undefined {
  try {
    const ids = [readGenerationConfig(folder).eos_token_id].flat().filter((id) => Number.isInteger(id))
    return ids.length === 0 ? undefined : new Set(ids as number[])
  } catch {
    // Who generates is told of a damaged file; training does not need it.
    return undefined
  }
}

function warnOfLeaks(held: RowFindings, train: RowFindings, warn: Warn): void {
  const shared = sharedRows(held, train)
  if (shared.count === 0) return
  const which = shared.first.map(([row, other]) => `${row} = ${other}`).join(', ')
  warn(
    'leak',
    `holdout: ${shared.count} of ${held.numbers.length} rows say what a training row says, so that their scores are no ` +
      `test (held out = trained: ${more(shared, which)}); remove the duplicates before`,
  )
}

const named = (list: RowList): string =>
  `row${list.count === 1 ? '' : 's'} ${more(list, list.first.join(', '))}`

const pairs = (list: PairList): string =>
  `row${list.count === 1 ? '' : 's'} ${more(list, list.first.map(([row, other]) => `${row} = ${other}`).join(', '))}`

const more = ({ count, first }: { count: number; first: readonly unknown[] }, text: string): string =>
  count > first.length ? `${text}, ...` : text
