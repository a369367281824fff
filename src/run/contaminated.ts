/** @file Whether a finished run was trained on what it is asked now: its rows are searched as they are before training. */
import { readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Contaminated } from '../eval/report.ts'
import type { StageContext } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import { InputError } from '../util/errors.ts'
import { type RunData, splitDataset } from './data.ts'
import { itemsInRows } from './decontaminate.ts'
import type { RunOptions } from './options.ts'
import type { TargetEvaluations } from './target.ts'
import { changedInputs, readRunRecord } from './verify.ts'

/**
 * None where the target is no run, or its recipe says not to look. Where its rows cannot be read any more, or are not those
 * that it was trained on, that is told and nothing is said of the items.
 */
export async function contaminatedItems(
  { resolved, evaluations, run }: TargetEvaluations,
  warn: StageContext['warn'],
  onProgress: RunOptions['onProgress'],
): Promise<Contaminated> {
  const { decontaminate } = resolved.recipe.dataset
  const sought = evaluations.some(({ evaluation }) => evaluation.texts !== undefined)
  if (run === undefined || decontaminate === 'off' || !sought) return new Map()
  try {
    const used = new Set<string>()
    const stage = await createStage(resolved, 'dataset', 'dataset', warn, undefined, (file) => used.add(file))
    const dataset = splitDataset(resolved, stage)
    const dropped = decontaminate === 'drop' ? rowsOf(join(run, 'contamination.jsonl')) : new Set<number>()
    const found = await itemsInRows(resolved, { evaluations }, dataset, dropped, onProgress)
    // Asked now: what is downloaded is known, and there, once it was read.
    const changed = await changedData(run, used)
    if (changed !== undefined) throw new InputError(changed)
    for (const [name, ids] of found)
      warn('contamination', `${name}: ${ids.size} of its items are in the rows that the run was trained on`)
    return found
  } catch (error) {
    if (!['RecipeError', 'InputError', 'OptionError'].includes((error as Error).name)) throw error
    warn('contamination', `the run's rows cannot be searched for the items: ${(error as Error).message}`)
    return new Map()
  }
}

/** What of the files below the rows is not as run.json has it, in words; undefined where all is, or nothing was noted. */
async function changedData(run: string, used: ReadonlySet<string>): Promise<string | undefined> {
  const { inputs = [] } = await readRunRecord(run)
  const read = inputs.filter(({ role }) => role === 'dataset')
  if (read.length === 0) return undefined
  const [changed] = await changedInputs({ inputs: read })
  if (changed !== undefined)
    return `${changed.path} is ${changed.status === 'missing' ? 'gone' : 'not what it was'} since the run; \`medtune runs verify ${run}\` tells more`
  const other = [...used].find(
    (place) => !read.some(({ path }) => path === place || path.startsWith(place + sep)),
  )
  return other && `${other} is read now, which the run did not read`
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

/** @throws InputError where the rows that are held out now are not those that the run kept out of training */
export async function checkHeldOut(run: string, { holdout }: Pick<RunData, 'holdout'>): Promise<void> {
  const { rows } = await readRunRecord(run)
  if (rows?.holdout === undefined || rows.holdout === holdout?.digest) return
  throw new InputError(
    `${run}: the held-out rows are not those that the run kept out of training: its data set has changed since, so a loss on them may be one of rows that it learned. \`medtune runs verify ${run}\` says what changed; put it back, or ask another task (--task)`,
  )
}
