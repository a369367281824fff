/** @file Evaluates any model on any task, outside a run: the same subject, the same scores, remembered the same way. */
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { compareAll, type EvalReport, type ModelReport, modelReport, outcomeScores } from './eval/report.ts'
import type { Encoded, EvalOutcome } from './plugin/contract.ts'
import type { StageUse } from './recipe/recipe.ts'
import { type Asked, findAsked } from './run/asked.ts'
import { checkHeldOut, contaminatedItems } from './run/contaminated.ts'
import { allDocuments, openData } from './run/data.ts'
import type { RunOptions } from './run/options.ts'
import { prepareEvaluations } from './run/preflight.ts'
import { closing } from './run/resources.ts'
import { hashedName, refuseUnwritable, resultsFolder, resultsName, targetOf } from './run/results.ts'
import { openScoringEngine, type ScoringEngine } from './run/scoring-engine.ts'
import { openSubject, storePlace } from './run/subject.ts'
import { openEvaluations, type TargetEvaluations } from './run/target.ts'
import { hashOutputs } from './track/provenance.ts'
import { logScoring, writeScored } from './track/scorings.ts'

export interface EvaluateOptions extends Pick<RunOptions, 'signal' | 'onProgress'> {
  /** Stages as a recipe's `eval` has them; none for all that the run or the recipe of the target has. */
  readonly evaluations: readonly StageUse[]
  /** Whether the base model below an adapter is scored too, and compared; true if left out. */
  readonly base?: boolean
  /** Folder of the results; the run's own, else one below `runsDir`/evals. */
  readonly out?: string | undefined
  readonly runsDir?: string
  onWarning?(message: string): void
  /** Called once nothing is left that could be refused, before the first item is scored. */
  onBegin?(): void
}

export interface Evaluated {
  /** Where the items lie, a file an evaluation. */
  readonly folder: string
  /** Scores of the model, or of the tuned one. */
  readonly scores: Readonly<Record<string, ModelReport>>
  /** Against the base model below the adapter. */
  readonly compared?: Readonly<Record<string, EvalReport>>
}

/**
 * @param target a run's folder, a recipe, a folder of a model or an adapter, or a repository of the Hub
 * @throws InputError for a target or file that cannot be used, RecipeError for a task or option that does not fit
 */
export async function evaluate(target: string, options: EvaluateOptions): Promise<Evaluated> {
  const warn = (_code: string, message: string): void => options.onWarning?.(message)
  const progress = (phase: string, done: number, total: number, unit?: 'bytes'): void =>
    options.onProgress?.({ phase, done, total, ...(unit === undefined ? {} : { unit }) })
  const asking = await openEvaluations(target, options.evaluations, warn, progress)
  const asked = await findAsked(target, { warn, progress })
  await prepareEvaluations(asking.resolved, asking)
  const { out, runsDir = 'runs' } = options
  const folder = out ?? (asking.run ? join(asking.run, 'eval') : resultsFolder(runsDir, asked.name))
  // It is made with the first results, so that a call that is refused, or comes to nothing, leaves none.
  refuseUnwritable(folder)
  return closing(async (use) => {
    const holdout = asking.dataset && (await use(openRows(asking, asked, warn)))
    if (holdout && asking.run) await checkHeldOut(asking.run, holdout)
    options.onBegin?.()
    const engine = await use(openScoringEngine(asked, options.signal))
    const scoring = { asking, asked, engine, holdout: () => allDocuments(holdout?.holdout), folder, options }
    const adapted = asked.which === 'tuned' && asked.plan.trainable > 0
    const base = adapted && options.base === false ? undefined : await score('base', scoring)
    const tuned = adapted ? await score('tuned', scoring) : undefined
    const contaminated = tuned && (await contaminatedItems(asking, warn, options.onProgress))
    const scores = [...(tuned ?? base!)].map(
      ([name, outcome]) => [name, modelReport(outcome, contaminated?.get(name))] as const,
    )
    return {
      folder,
      scores: Object.fromEntries(scores),
      ...(base && tuned
        ? { compared: compareAll(base, tuned, asking.resolved.recipe.seed, contaminated) }
        : {}),
    }
  })
}

function openRows({ resolved, dataset }: TargetEvaluations, { model, template }: Asked, warn: Warn) {
  return openData(resolved, { template, dataset: dataset! }, dataset!, model, warn)
}

type Warn = (code: string, message: string) => void

interface Scoring {
  readonly asking: TargetEvaluations
  readonly asked: Asked
  readonly engine: ScoringEngine
  holdout(): Promise<readonly Encoded[]>
  readonly folder: string
  readonly options: EvaluateOptions
}

/** Every evaluation on one of the models; its items are written as soon as it is done. */
async function score(which: 'base' | 'tuned', scoring: Scoring): Promise<ReadonlyMap<string, EvalOutcome>> {
  const { asking, asked, engine, holdout, folder, options } = scoring
  const { model, tokenizer, template } = asked
  const { compute } = asking.resolved.recipe
  const store = await storePlace(
    { engine, model, compute },
    which === 'tuned' ? await adapterHashes(asked) : undefined,
  )
  const outcomes = new Map<string, EvalOutcome>()
  for (const { name, options: wanted, evaluation } of asking.evaluations) {
    const phase = `evaluate ${which}: ${name}`
    const onProgress = (done: number, total: number): void => options.onProgress?.({ phase, done, total })
    const { signal } = options
    const parts = { which, engine, model, tokenizer, template, holdout, store, onProgress, signal }
    const outcome = await evaluation.evaluate(openSubject(parts))
    options.signal?.throwIfAborted()
    outcomes.set(name, outcome)
    const file = `${fileName(scoring, name, wanted)}.${which}.jsonl`
    const { metric, better, items } = outcome
    await mkdir(folder, { recursive: true })
    await writeScored(join(folder, file), items, {
      name,
      target: targetOf(asked.name),
      metric,
      better,
      options: wanted,
      ...(evaluation.templated === false ? {} : { template: asked.way }),
      scores: outcomeScores(outcome),
    })
    logScoring(folder, { name, which, items: items.length, model: store?.model ?? '', file })
  }
  return outcomes
}

/** Of the adapter's files, as a run hashes them, so that what a run scored is known here too. */
function adapterHashes({ adapter }: Asked) {
  const folder = resolve(adapter!)
  return hashOutputs(dirname(folder), [basename(folder)])
}

/** What a run wrote itself stays; who names the folder (`out`) gets new results in place of old ones. */
function fileName(
  { asking: { run }, folder, options: { out } }: Scoring,
  name: string,
  options: StageUse,
): string {
  if (out !== undefined) return name
  return run === undefined ? resultsName(folder, name, options) : hashedName(name, options)
}
