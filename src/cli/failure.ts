/** @file How a command's failure is told, and the exit code that goes with it. */
import type { Problem } from '../recipe/errors.ts'
import { colorsFor } from './colors.ts'

/** Something the command line itself got wrong: exit code 2, and the message is all there is to say. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The value of an option that counts something. @throws UsageError for anything but a whole number from 0 */
export function wholeNumber(flag: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && text.trim() !== '') return value
  throw new UsageError(`${flag} ${text}: expected a whole number`)
}

const INVALID = new Set(['RecipeError', 'UsageError', 'PluginError', 'OptionError', 'InputError'])
const EXPECTED = new Set([
  ...INVALID,
  'ExecutorError',
  'EnvironmentError',
  'DivergedError',
  'CheckpointError',
  'OwnerLostError',
])
/** Something that is not installed or cannot be loaded here. */
const ENVIRONMENT = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED', 'MODULE_NOT_FOUND'])

interface Failure {
  readonly name?: string
  readonly message?: string
  readonly stack?: string
  readonly code?: string
  readonly kind?: string
  readonly problems?: readonly Problem[]
}

/** 1 the run failed, 2 wrong usage, an invalid recipe or an input that cannot be used, 3 the environment lacks something. */
export function exitCode(error: unknown): 1 | 2 | 3 {
  const { name, code, kind } = (error ?? {}) as Failure
  if (name !== undefined && INVALID.has(name)) return 2
  return ENVIRONMENT.has(code ?? '') || kind === 'unsupported' ? 3 : 1
}

/**
 * Tells what broke once the work had begun, and gives its exit code: an input that breaks halfway (a judge that does not
 * answer, a file that changed) is a failed run, not one that was refused. @throws the error itself where it is something else
 */
export async function tellBroken(error: unknown, json: boolean): Promise<1> {
  if ((error as Failure | null)?.name !== 'InputError') throw error
  await tellFailure(error, json)
  return 1
}

/**
 * Tells a failure: every problem of a recipe on its line, else one line; a stack only with MEDTUNE_DEBUG=1.
 * @param json puts it on stdout as `{ ok: false, problems }` or `{ ok: false, error }`
 */
export async function tellFailure(error: unknown, json: boolean): Promise<void> {
  const failure = (error ?? {}) as Failure
  if (process.env.MEDTUNE_DEBUG === '1' && failure.stack) process.stderr.write(`${failure.stack}\n`)
  if (json) {
    const body = failure.problems ? { problems: failure.problems } : { error: oneLine(error) }
    process.stdout.write(`${JSON.stringify({ ok: false, ...body }, null, 2)}\n`)
    return
  }
  const colors = colorsFor(process.stderr)
  if (!failure.problems) {
    process.stderr.write(`${colors.red('error')}: ${oneLine(error)}\n`)
    return
  }
  const { formatMistake, formatPlace } = await import('../recipe/errors.ts')
  for (const problem of failure.problems) {
    process.stderr.write(`${colors.cyan(formatPlace(problem))}${formatMistake(problem)}\n`)
  }
}

/** What a user meets by their own doing reads as it is; anything else is a fault of medtune and says how to report it. */
function oneLine(error: unknown): string {
  const { name, message, code } = (error ?? {}) as Failure
  const text = message ?? String(error)
  if (EXPECTED.has(name ?? '') || ENVIRONMENT.has(code ?? '') || isSystemCode(code)) return text
  return `${name ?? 'Error'}: ${text} (MEDTUNE_DEBUG=1 shows where)`
}

/** ENOSPC and its like, which speak for themselves; not Node's own ERR_INVALID_ARG_TYPE, which is a fault of ours. */
const isSystemCode = (code: string | undefined): boolean => code !== undefined && /^E[A-Z0-9]+$/.test(code)
