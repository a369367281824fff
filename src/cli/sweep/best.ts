/** @file `medtune sweep best`: the best trials, what made them so, and the recipe of the winner. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { loadRecipe } from '../../recipe/recipe.ts'
import { measuredApart } from '../../sweep/chosen.ts'
import { atEdge } from '../../sweep/edge.ts'
import { type Importance, importances } from '../../sweep/importance.ts'
import { checkBeside } from '../../sweep/metric.ts'
import { type Objective, paretoFront } from '../../sweep/pareto.ts'
import { overridesOf } from '../../sweep/probe.ts'
import { writeWinner } from '../../sweep/winner.ts'
import { stringify } from '../../track/json.ts'
import { readSweep, type SweepState, type Trial } from '../../track/sweep-journal.ts'
import { ranking } from '../../track/sweep-trials.ts'
import { nearest } from '../../util/nearest.ts'
import { colorsFor } from '../colors.ts'
import { UsageError } from '../failure.ts'
import { namedSweep } from '../named-run.ts'
import { readyOutFile } from '../out-file.ts'
import type { BestFlags } from './program.ts'
import { paramsText, varied } from './summary.ts'

export async function best(word: string, flags: BestFlags): Promise<number> {
  const folder = await namedSweep(word, flags.runsDir)
  const state = readSweep(folder)
  const ranked = ranking(state)
  const { header, trials } = state
  if (ranked.length === 0) throw new UsageError(`${folder}: no trial of this sweep has come to a value yet`)
  const top = ranked.slice(0, flags.top)
  const shares = importances(header.space, trials, header.metric.goal)
  const objectives = flags.against === undefined ? [] : objectivesOf(state, flags.against)
  await refuseTest(state, objectives)
  const front = objectives.length === 0 ? [] : paretoFront(trials, objectives)
  const file = flags.write === undefined ? undefined : await write(state, ranked[0]!, flags.write, flags)
  if (flags.json) {
    const body = { folder: path.resolve(folder), metric: header.metric, best: top, importance: shares }
    const more = {
      ...(objectives.length > 0 ? { objectives, front } : {}),
      ...(file ? { written: file } : {}),
    }
    process.stdout.write(`${stringify({ ...body, ...more }, 2)}\n`)
    return 0
  }
  process.stdout.write(text(state, top, shares, objectives, front))
  if (file !== undefined) process.stdout.write(`\nwrote ${file}\n  medtune run ${file}\n`)
  return 0
}

function text(
  { header, trials }: SweepState,
  top: readonly Trial[],
  shares: readonly Importance[],
  objectives: readonly Objective[],
  front: readonly Trial[],
): string {
  const { bold } = colorsFor(process.stdout)
  const { name, goal } = header.metric
  const line = (trial: Trial, values: readonly number[]): string =>
    `  ${trial.id}  ${values.map(figure).join('  ')}  ${paramsText(varied(trial.params, trials))}\n`
  const parts = [
    `${bold(`The best by ${name} (${goal})`)}\n`,
    ...top.map((trial) => line(trial, [trial.value!])),
    '  It was chosen by this figure, so expect a little less of it on data that did not choose.\n',
  ]
  if (shares.length > 0)
    parts.push(
      `\n${bold('What made trials good')} (PED-ANOVA; each parameter by itself)\n`,
      ...shares.map(
        ({ path: at, share }) =>
          `  ${at.padEnd(24)} ${`${(100 * share).toFixed(0)} %`.padStart(5)}  ${'#'.repeat(Math.round(30 * share))}\n`,
      ),
      ...atEdge(header.space, top[0]!.params, shares).map(
        (at) =>
          `  ${at}=${top[0]!.params[at]} lies at the end of what was searched: a wider range may hold a better one.\n`,
      ),
    )
  if (objectives.length > 0)
    parts.push(
      `\n${bold(`Best in both: ${objectives.map(({ metric, goal: end }) => `${metric} (${end})`).join(' and ')}`)}\n`,
      ...front.map((trial) =>
        line(
          trial,
          objectives.map(({ metric }) => trial.metrics[metric]!),
        ),
      ),
    )
  return parts.join('')
}

const figure = (value: number): string => String(Number(value.toPrecision(6)))

/** The sweep's own metric, and `name`, `name:min` or `name:max` beside it. */
function objectivesOf({ header, trials }: SweepState, against: string): readonly Objective[] {
  const [, metric = '', end] = /^(.*?)(?::(min|max)(?:imize)?)?$/.exec(against) ?? []
  const names = new Set(trials.flatMap(({ metrics }) => Object.keys(metrics)))
  if (!names.has(metric)) {
    const hint = nearest(metric, names)
    throw new UsageError(
      `no trial measures "${metric}"${hint ? `; did you mean "${hint}"` : ''}; there are: ${[...names].sort().join(', ')}`,
    )
  }
  const goal = end === 'max' ? 'maximize' : 'minimize'
  return [
    { metric: header.metric.name, goal: header.metric.goal },
    { metric, goal },
  ]
}

/** Which trials are best in both is a choice too, among all of them. A recipe that is no longer there cannot be asked. */
async function refuseTest({ header, trials }: SweepState, objectives: readonly Objective[]): Promise<void> {
  const beside = objectives[1]?.metric
  if (beside === undefined) return
  const dir = path.dirname(header.file)
  for (const params of measuredApart(trials.map((trial) => trial.params))) {
    const resolved = await loadRecipe(header.recipe.file, overridesOf(params), dir).catch(() => undefined)
    const finding = resolved && (await checkBeside(beside, resolved))
    if (finding) throw new UsageError(`--against ${beside}: ${finding.message}`)
  }
}

async function write(
  { header, trials }: SweepState,
  { id, params, value, run }: Trial,
  target: string,
  { varied: only, force }: BestFlags,
): Promise<string> {
  const file = path.resolve(target)
  const shown = path.relative(process.cwd(), file)
  readyOutFile(file)
  if (existsSync(file) && !force)
    throw new UsageError(`${shown} exists already; choose another name, or overwrite it with --force`)
  const comment = [
    `Trial ${id} of the sweep ${header.name} (${header.id}): ${header.metric.name} ${figure(value!)}, the best of ${trials.length} trials.`,
    `Its run: ${run ?? 'unknown'}. It was chosen by that figure: measure it once on data that did not choose.`,
    ...(only
      ? ['Only what differs between the trials was taken over; what the sweep set in all of them was not.']
      : []),
  ].join('\n')
  const winner = {
    recipe: header.recipe.file,
    cwd: path.dirname(header.file),
    name: `${header.name}-best`,
    comment,
    params: only ? varied(params, trials) : params,
  }
  await writeWinner(winner, file)
  return shown
}
