/** @file report.json: what a run came to. */
import type { Census } from '../data/index.ts'
import { compareAll, type EvalReport } from '../eval/report.ts'
import type { EvalOutcome } from '../plugin/contract.ts'
import type { Recipe, ResolvedRecipe } from '../recipe/recipe.ts'
import { memory } from '../track/hardware.ts'
import { EARLY_STOPPING, type EarlyStoppingState } from '../train/early-stopping.ts'
import { tokensPerSecond } from '../train/loop.ts'
import type { RunData } from './data.ts'
import type { ContaminationReport, Decontaminated } from './decontaminate.ts'
import type { RunLog, Warnings } from './record.ts'
import type { Training } from './train.ts'

export interface Report {
  readonly name: string
  readonly hash: string
  readonly status: 'done'
  /** The run's folder. */
  readonly folder: string
  readonly seconds: number
  readonly train: {
    readonly steps: number
    /** Tokens trained on, without padding. */
    readonly tokens: number
    /** Median over the steps after the first third, without compiling and evaluation. */
    readonly tokens_per_second: number
    readonly loss_first: number
    readonly loss_last: number
    readonly peak_rss_bytes: number
    readonly trainable: number
    readonly precision: 'fp32' | 'bf16'
    /** With early_stopping: the step whose weights were kept, and the metric there. */
    readonly best?: { readonly step: number; readonly metric: string; readonly value: number }
    /** With early_stopping: whether training ended before its last step. */
    readonly stopped_early?: boolean
  }
  readonly eval: Readonly<Record<string, EvalReport>>
  /** Training rows that contain evaluation items; left out where there was nothing to look for. */
  readonly contamination?: ContaminationReport
  /** Paths of what was exported. */
  readonly exports: readonly string[]
  readonly census: { readonly train: Census; readonly holdout?: Census }
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

export interface Results {
  readonly base: ReadonlyMap<string, EvalOutcome>
  readonly tuned: ReadonlyMap<string, EvalOutcome>
  readonly training: Training
  readonly trainable: number
  readonly precision: 'fp32' | 'bf16'
  readonly exports: readonly string[]
  readonly data: RunData
  readonly clean: Decontaminated
}

/** Puts the report together and writes it into the run's folder. */
export async function writeReport(
  { recipe, hash }: ResolvedRecipe,
  { folder, seconds }: RunLog,
  warnings: Warnings,
  results: Results,
): Promise<Report> {
  const { training, base, tuned, data, clean } = results
  const { records } = training
  await data.checked
  const report: Report = {
    name: recipe.name,
    hash,
    status: 'done',
    folder: folder.path,
    seconds: seconds(),
    train: {
      steps: records.length,
      tokens: records.reduce((total, { tokens }) => total + tokens, 0),
      tokens_per_second: tokensPerSecond(records),
      loss_first: records[0]?.loss ?? Number.NaN,
      loss_last: records.at(-1)?.loss ?? Number.NaN,
      peak_rss_bytes: memory().peak,
      trainable: results.trainable,
      precision: results.precision,
      ...bestOf(recipe, training),
    },
    eval: compareAll(base, tuned, recipe.seed, clean.contaminated),
    ...(clean.report ? { contamination: clean.report } : {}),
    exports: results.exports,
    census: {
      train: await data.train.census,
      ...(data.holdout ? { holdout: await data.holdout.census } : {}),
    },
    warnings: warnings.list,
  }
  await folder.writeJson('report.json', report)
  return report
}

/** Which weights were kept, where something looked for the best. */
function bestOf(
  { early_stopping }: Recipe,
  { state }: Training,
): Pick<Report['train'], 'best' | 'stopped_early'> {
  if (early_stopping === undefined) return {}
  const { best, stopped } = state.hooks[EARLY_STOPPING] as EarlyStoppingState
  return { ...(best ? { best: { ...best, metric: early_stopping.metric } } : {}), stopped_early: stopped }
}
