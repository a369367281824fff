/**
 * @file READ FIRST. What a run does, from a recipe to a report. Each step is a file of src/run; what a step
 * needs stands in its arguments.
 */
import type { ResolvedRecipe } from './recipe/recipe.ts'
import { openCheckpoints } from './run/checkpoints.ts'
import { openData, splitDataset } from './run/data.ts'
import { decontaminate, noteContamination } from './run/decontaminate.ts'
import { openEngine } from './run/engine.ts'
import { evaluateAll } from './run/evaluate.ts'
import { writeAdapter, writeExports } from './run/export.ts'
import { chooseMemory } from './run/memory.ts'
import type { RunOptions } from './run/options.ts'
import { openTemplate, planAdapter, preflight, prepareEvaluations } from './run/preflight.ts'
import { noteInputs, noteOutputs } from './run/provenance.ts'
import { recordRun, Warnings } from './run/record.ts'
import { type Report, writeReport } from './run/report.ts'
import { anySignal, closing } from './run/resources.ts'
import { checkRows, openResume } from './run/resume.ts'
import { createStages } from './run/stages.ts'
import { train } from './run/train.ts'
import { checkWatchedScore } from './run/watched.ts'

/**
 * Trains, evaluates and records what the recipe describes.
 * @throws RecipeError before anything is written, for a mistake that shows only with the plugins, the data or
 *   the model at hand; InputError for a file that cannot be used; ExecutorError; Stopped where `signal` says so.
 */
export async function run(resolved: ResolvedRecipe, options: RunOptions = {}): Promise<Report> {
  // Everything that can be refused is refused before the run has a folder.
  const warnings = new Warnings()
  const stages = await createStages(resolved, warnings.warn, options.onProgress)
  const dataset = splitDataset(resolved, stages.dataset)
  const model = await stages.model.load()
  await openTemplate(resolved, stages, model)
  const adapter = planAdapter(resolved, stages, model)
  await preflight(resolved, stages, dataset, model)
  await prepareEvaluations(resolved, stages)
  const clean = await decontaminate(resolved, stages, dataset, warnings.warn, options.onProgress)

  return closing(async (use) => {
    // Every row is read here; rows become tokens in the background while the model is made ready.
    const data = await use(openData(resolved, stages, clean.dataset, model, warnings.warn))
    checkRows(data, options.resume)
    const memory = await chooseMemory(resolved, stages, model, adapter, data.train, warnings.warn, options)

    return recordRun(resolved, stages, warnings, options, async (log) => {
      await log.folder.describe({ memory })
      await noteContamination(log, clean)
      const noted = noteInputs(resolved, stages, model, data, log)
      const signal = anySignal(options.signal, data.failed, log.folder.lost)
      const engine = await use(openEngine(resolved, stages, model, adapter, memory, { ...options, signal }))
      const checkpoints = await openCheckpoints(resolved, log, engine, adapter, model, noted)
      const evaluation = {
        recipe: resolved.recipe,
        engine,
        data,
        model,
        stages,
        log,
        onProgress: options.onProgress,
        signal,
      }

      const base = await evaluateAll('base', 0, evaluation)
      checkWatchedScore(resolved, base)
      const trained = await train(evaluation, checkpoints, { ...options, signal })
      await checkpoints.restoreBest()
      await writeAdapter(adapter, engine, log)
      const tuned = await evaluateAll('tuned', trained.state.step, evaluation)

      const exports = await writeExports(stages, model, adapter, engine, log)
      await noted
      await noteOutputs(log)
      const results = {
        base,
        tuned,
        training: trained,
        trainable: adapter.trainable,
        precision: engine.precision,
        exports,
        data,
        clean,
      }
      return writeReport(resolved, log, warnings, results)
    })
  })
}

/**
 * Goes on with a run that was interrupted, in its own folder, so that it comes to what it would have come to.
 * @param overrides changes that have no part in that: checkpoint, eval, exports, trackers, plugins
 * @throws InputError where the run is finished, has a living owner or stands on files that changed; and as `run`
 */
export async function resume(
  folder: string,
  overrides: readonly string[] = [],
  options: RunOptions = {},
): Promise<Report> {
  const say = (message: string) => options.onProgress?.({ phase: message, done: 0, total: 0 })
  const { resolved, ...found } = await openResume(folder, overrides, say)
  return run(resolved, { ...options, resume: found }).finally(() => found.lock.release())
}
