/** @file `medtune eval`: any model on any task; or, with --compare, the items on which two of them differ. */
import { relative } from 'node:path'
import type { Evaluated } from '../evaluate.ts'
import type { StageUse } from '../recipe/recipe.ts'
import { stringify } from '../track/json.ts'
import { Stopped } from '../util/stopped.ts'
import { colorsFor } from './colors.ts'
import { tellBroken, UsageError, wholeNumber } from './failure.ts'
import { namedTarget } from './named-run.ts'
import { refuseSweep } from './refuse-sweep.ts'
import { openStatus, silent } from './status.ts'

export interface EvalFlags {
  readonly task?: readonly string[]
  readonly path?: string
  readonly ids?: string
  readonly answerFrom?: string
  readonly fewshot?: string
  readonly limit?: string
  readonly chat?: boolean
  readonly base?: boolean
  readonly compare?: boolean
  readonly show: string
  readonly out?: string
  readonly runsDir: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const INTERRUPTED = 130

export async function evalCommand(targets: readonly string[], flags: EvalFlags): Promise<number> {
  if (flags.compare) {
    const { compareItemFiles } = await import('./eval/compare-items.ts')
    return compareItemFiles(targets, flags)
  }
  const [target, ...more] = targets
  if (target === undefined || more.length > 0)
    throw new UsageError('name one model to evaluate, or several folders of results with --compare')
  refuseSweep(target)
  const status = flags.quiet ? silent : openStatus(`eval ${target}`)
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    status.say(`${name}: stopping after this batch; the same command goes on from there`)
    controller.abort(new Stopped(name))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  let begun = false
  try {
    const { evaluate } = await import('../evaluate.ts')
    const result = await evaluate(await namedTarget(target, flags.runsDir), {
      evaluations: evaluationsOf(flags),
      base: flags.base !== false,
      out: flags.out,
      runsDir: flags.runsDir,
      signal: controller.signal,
      onBegin: () => {
        begun = true
      },
      onProgress: (progress) => status.onProgress(progress),
      onWarning: (message) => status.say(`warning: ${message}`),
    })
    status.close()
    process.stdout.write(flags.json ? `${stringify(result, 2)}\n` : await told(result))
    return 0
  } catch (error) {
    status.close()
    if (error instanceof Stopped) return stopped(error, flags)
    if (!begun) throw error
    return tellBroken(error, flags.json ?? false)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function stopped({ message }: Stopped, { json }: EvalFlags): number {
  if (json) process.stdout.write(`${stringify({ ok: false, status: 'stopped', error: message }, 2)}\n`)
  else process.stderr.write(`stopped: ${message}; what was scored is kept\n`)
  return INTERRUPTED
}

/** The tasks with the options given, as stages of a recipe. */
function evaluationsOf(flags: EvalFlags): StageUse[] {
  const options = {
    ...(flags.path === undefined ? {} : { path: flags.path }),
    ...(flags.ids === undefined ? {} : { ids: flags.ids }),
    ...(flags.answerFrom === undefined
      ? {}
      : { answer_from: wholeNumber('--answer-from', flags.answerFrom) }),
    ...(flags.fewshot === undefined ? {} : { fewshot: wholeNumber('--fewshot', flags.fewshot) }),
    ...(flags.limit === undefined ? {} : { limit: wholeNumber('--limit', flags.limit) }),
    ...(flags.chat === undefined ? {} : { chat: flags.chat }),
  }
  return (flags.task ?? []).map((task) =>
    /[/\\]|\.ya?ml$/i.test(task)
      ? { use: 'task', name: taskName(task), task, ...options }
      : { use: task, ...options },
  )
}

/** The file's name, as an evaluation may be called. */
function taskName(file: string): string {
  const name = file.replace(/^.*[/\\]/, '').replace(/\.ya?ml$/i, '')
  return name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'task'
}

async function told({ scores, compared, folder }: Evaluated): Promise<string> {
  const { bold } = colorsFor(process.stdout)
  const { evaluationLines, modelLines } = await import('./summary.ts')
  const lines = compared
    ? Object.entries(compared).flatMap(([name, report]) => evaluationLines(name, report, bold))
    : Object.entries(scores).flatMap(([name, report]) => modelLines(name, report, bold))
  return `${[...lines, `items: ${relative(process.cwd(), folder) || '.'}`].join('\n')}\n`
}
