/** @file Looks for evaluation items in the training rows before anything is trained: tells of them, or leaves the rows out. */
import { ContaminationIndex, numberOfRow, type SoughtItem, textsOf, type Way } from '../data/index.ts'
import type { Contaminated } from '../eval/report.ts'
import type { Dataset, StageContext } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import type { RunOptions } from './options.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

/** A training row and an item that it contains. */
export interface ContaminatedRow {
  /** Counted as the data set does, from 1. */
  readonly row: number
  readonly evaluation: string
  readonly id: string
  readonly by: Way
}

/** What report.json says of it; every match is a line of contamination.jsonl. */
export interface ContaminationReport {
  /** Training rows that contain an item, of how many. */
  readonly rows: number
  readonly of: number
  readonly dropped: boolean
  /** Evaluation -> items that some row contains, of how many. */
  readonly items: Readonly<Record<string, { readonly found: number; readonly of: number }>>
}

export interface Decontaminated {
  /** The data set, without these rows where the recipe drops them. */
  readonly dataset: Dataset
  readonly matches: readonly ContaminatedRow[]
  /** Undefined where nothing was looked for. */
  readonly report: ContaminationReport | undefined
  /** Items that are in what is trained on. */
  readonly contaminated: Contaminated
}

/** Rows between two notes on how far it is. */
const NOTE = 1000

export async function decontaminate(
  { recipe }: Pick<ResolvedRecipe, 'recipe'>,
  { evaluations }: Pick<RunStages, 'evaluations'>,
  dataset: Dataset,
  warn: StageContext['warn'],
  onProgress: RunOptions['onProgress'],
): Promise<Decontaminated> {
  const mode = recipe.dataset.decontaminate
  const items = mode === 'off' ? [] : await soughtItems(evaluations)
  if (items.length === 0) return { dataset, matches: [], report: undefined, contaminated: new Map() }
  const { matches, searched } = await searchRows(items, dataset, recipe.seed, onProgress)
  const rows = new Set(matches.map(({ row }) => row))
  const dropped = mode === 'drop' && rows.size > 0
  const report = { rows: rows.size, of: searched, dropped, items: countItems(items, matches) }
  if (rows.size > 0) tell(report, matches, warn)
  return {
    dataset: dropped ? without(dataset, rows) : dataset,
    matches,
    report,
    contaminated: dropped ? new Map() : byEvaluation(matches),
  }
}

/** Every training row against every item. */
async function searchRows(
  items: readonly SoughtItem[],
  dataset: Dataset,
  seed: number,
  onProgress: RunOptions['onProgress'],
): Promise<{ readonly matches: readonly ContaminatedRow[]; readonly searched: number }> {
  const index = new ContaminationIndex(items, seed)
  const matches: ContaminatedRow[] = []
  const seen = new Set<number>()
  for await (const row of dataset.read('train')) {
    const number = numberOfRow(row, seen.size + 1)
    // A row that is repeated on purpose is looked at once.
    if (seen.has(number)) continue
    seen.add(number)
    for (const { item, by } of index.match(textsOf(row)))
      matches.push({ row: number, evaluation: item.evaluation, id: item.id, by })
    if (seen.size % NOTE === 0)
      onProgress?.({ phase: 'search for evaluation items', done: seen.size, total: 0 })
  }
  return { matches, searched: seen.size }
}

/**
 * Items of evaluations that a finished run is asked afterwards and that are in the rows that it was trained on.
 * @param dropped rows that the run left out of training
 */
export async function itemsInRows(
  { recipe }: Pick<ResolvedRecipe, 'recipe'>,
  { evaluations }: Pick<RunStages, 'evaluations'>,
  dataset: Dataset,
  dropped: ReadonlySet<number>,
  onProgress: RunOptions['onProgress'],
): Promise<Contaminated> {
  const items = await soughtItems(evaluations)
  if (items.length === 0) return new Map()
  const { matches } = await searchRows(items, dataset, recipe.seed, onProgress)
  return byEvaluation(matches.filter(({ row }) => !dropped.has(row)))
}

/** Writes every match into the run's folder. */
export async function noteContamination({ folder }: RunLog, { matches }: Decontaminated): Promise<void> {
  if (matches.length === 0) return
  await folder.writeText('contamination.jsonl', matches.map((match) => `${JSON.stringify(match)}\n`).join(''))
}

async function soughtItems(evaluations: RunStages['evaluations']): Promise<readonly SoughtItem[]> {
  const lists = await Promise.all(
    evaluations.map(async ({ name, evaluation }) =>
      ((await evaluation.texts?.()) ?? []).map(({ id, text }) => ({ evaluation: name, id, text })),
    ),
  )
  return lists.flat()
}

function byEvaluation(matches: readonly ContaminatedRow[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const { evaluation, id } of matches)
    found.set(evaluation, (found.get(evaluation) ?? new Set()).add(id))
  return found
}

function countItems(
  items: readonly SoughtItem[],
  matches: readonly ContaminatedRow[],
): ContaminationReport['items'] {
  const found = byEvaluation(matches)
  const names = [...new Set(items.map(({ evaluation }) => evaluation))]
  return Object.fromEntries(
    names.map((name) => [
      name,
      { found: found.get(name)?.size ?? 0, of: items.filter(({ evaluation }) => evaluation === name).length },
    ]),
  )
}

function tell(
  { rows, of, dropped, items }: ContaminationReport,
  matches: readonly ContaminatedRow[],
  warn: StageContext['warn'],
): void {
  const which = Object.entries(items)
    .filter(([, { found }]) => found > 0)
    .map(([name, { found, of: all }]) => `${found} of ${all} of ${name}`)
  const first = [...new Set(matches.map(({ row }) => row))].slice(0, 5).join(', ')
  const what = dropped
    ? 'they are left out of training'
    : 'scores are reported with and without these items; dataset.decontaminate: drop leaves the rows out'
  warn(
    'contamination',
    `${rows} of ${of} training rows contain evaluation items (${which.join(', ')}; rows ${first}${rows > 5 ? ', ...' : ''}, all in contamination.jsonl): ${what}`,
  )
}

function without(dataset: Dataset, rows: ReadonlySet<number>): Dataset {
  return {
    ...dataset,
    async *read(split) {
      let number = 0
      for await (const row of dataset.read(split)) {
        number++
        if (split !== 'train' || !rows.has(numberOfRow(row, number))) yield row
      }
    },
  }
}
