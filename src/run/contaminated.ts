/** @file Whether a finished run was trained on what it is asked now: its rows are searched as they are before training. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contaminated } from '../eval/report.ts'
import type { StageContext } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import { splitDataset } from './data.ts'
import { itemsInRows } from './decontaminate.ts'
import type { RunOptions } from './options.ts'
import type { TargetEvaluations } from './target.ts'

/** None where the target is no run, or its recipe says not to look; told where its rows cannot be read any more. */
export async function contaminatedItems(
  { resolved, evaluations, run }: TargetEvaluations,
  warn: StageContext['warn'],
  onProgress: RunOptions['onProgress'],
): Promise<Contaminated> {
  const { decontaminate } = resolved.recipe.dataset
  if (run === undefined || decontaminate === 'off') return new Map()
  try {
    const dataset = splitDataset(resolved, await createStage(resolved, 'dataset', 'dataset', warn))
    const dropped = decontaminate === 'drop' ? rowsOf(join(run, 'contamination.jsonl')) : new Set<number>()
    const found = await itemsInRows(resolved, { evaluations }, dataset, dropped, onProgress)
    for (const [name, ids] of found)
      warn('contamination', `${name}: ${ids.size} of its items are in the rows that the run was trained on`)
    return found
  } catch (error) {
    if (!['RecipeError', 'InputError', 'OptionError'].includes((error as Error).name)) throw error
    warn('contamination', `the run's rows cannot be searched for the items: ${(error as Error).message}`)
    return new Map()
  }
}

/** Numbers of the rows that a run found and left out; none where it found none. */
function rowsOf(file: string): ReadonlySet<number> {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    return new Set(lines.map((line) => Number((JSON.parse(line) as { row: number }).row)))
  } catch {
    return new Set()
  }
}
