/** @file `medtune trial`: one attempt at a trial of a sweep. Executors start it; nobody types it. */
import path from 'node:path'
import { loadRecipe } from '../recipe/recipe.ts'
import { readSheet, type TrialSheet } from '../sweep/board.ts'
import { refuseChosen } from '../sweep/chosen.ts'
import { runAttempt, type TrialRun } from '../sweep/trial.ts'
import { Stopped } from '../util/stopped.ts'

/** Exit code 0 however the trial ended: its result says how. */
export async function trial(file: string): Promise<number> {
  const whole = path.resolve(file)
  const sheet = readSheet(whole)
  // Relative paths among the values start at the sweep's file.
  process.chdir(sheet.cwd)
  if (process.env.MEDTUNE_TIED === '1') stopWithParent()
  const place = process.env.MEDTUNE_PLACE
  const result = await runAttempt(whole, sheet, place ? { place } : {}, (run) => train(sheet, run))
  const how = result ? `${result.status} ${result.reason ?? ''}` : 'is run by another, or was called off'
  process.stderr.write(`${sheet.trial}: ${how}\n`)
  return 0
}

/** The other end of stdin closes when whoever started this process is gone, however it went. */
function stopWithParent(): void {
  process.stdin.once('close', () => process.kill(process.pid, 'SIGTERM'))
  process.stdin.resume()
  // It alone keeps no process alive.
  ;(process.stdin as unknown as { unref?(): void }).unref?.()
}

async function train(sheet: TrialSheet, { signal, onFolder, onEvent }: TrialRun): Promise<object> {
  const engine = await import('../run.ts')
  const { sweep: id, trial: name, runsDir, from } = sheet
  const options = { runsDir, sweep: { id, trial: name }, signal, onFolder, onEvent }
  if (from !== undefined) {
    let begun = false
    const onBegin = (folder: string): void => {
      begun = true
      onFolder(folder)
    }
    try {
      return await engine.resume(from, [], { ...options, onFolder: onBegin })
    } catch (error) {
      // What cannot be gone on with is begun anew; what failed while it went on is a failure.
      if (begun || error instanceof Stopped) throw error
      process.stderr.write(`${from} cannot be gone on with: ${(error as Error).message}\n`)
    }
  }
  const resolved = await loadRecipe(sheet.recipe, sheet.overrides)
  if (!sheet.carried) await refuseChosen(sheet.metric.name, resolved)
  return engine.run(resolved, options)
}
