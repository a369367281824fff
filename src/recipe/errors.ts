/** @file What is wrong in a recipe, and where. */
import path from 'node:path'

/** Where a value was written: a file's line and column (both from 1), or an override on the command line (line 1, column its number). */
export interface Place {
  readonly file: string
  readonly line: number
  readonly col: number
  /** The override as typed; `file` is then `<override>`. */
  readonly override?: string
  /** Where relative paths written here start, where that is not the file's own folder. */
  readonly base?: string
}

export interface Problem extends Place {
  /** Dotted path of the option, such as `adapter.rank`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** The nearest right word, or where a known key belongs. */
  readonly suggestion?: string
  readonly allowed?: readonly string[]
}

/** Every mistake of a recipe at once, sorted by place; `message` has one line each. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    const sorted = sortProblems(problems)
    super(sorted.map((problem) => formatProblem(problem)).join('\n'))
    this.problems = sorted
  }
}

/**
 * Runs every check, also behind one that fails, so that all mistakes are told at once.
 * @throws RecipeError with the problems of all; any other error at once
 */
export async function checkAll(checks: readonly (() => unknown)[]): Promise<void> {
  const problems: Problem[] = []
  for (const check of checks) {
    try {
      await check()
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new RecipeError(problems)
}

/** The first problem of each key, in order. Thousands are possible where a file is no recipe at all. */
export function firstOf(problems: readonly Problem[], key: (problem: Problem) => string): Problem[] {
  const firsts = new Map<string, Problem>()
  for (const problem of problems) if (!firsts.has(key(problem))) firsts.set(key(problem), problem)
  return [...firsts.values()]
}

/** `file:line:col  path: what is wrong; did you mean "..."; allowed: ...`, the file relative to `cwd`. */
export function formatProblem(problem: Problem, cwd = process.cwd()): string {
  return formatPlace(problem, cwd) + formatMistake(problem)
}

/** `file:line:col  `, or `override "...": `. */
export function formatPlace(problem: Problem, cwd = process.cwd()): string {
  if (problem.override) return `override "${problem.override}": `
  return `${relativeFile(problem.file, cwd)}:${problem.line}:${problem.col}  `
}

/** A problem without its place. */
export function formatMistake(problem: Problem): string {
  const what = problem.path ? `${problem.path}: ${problem.message}` : problem.message
  const hint = problem.suggestion ? `; did you mean "${problem.suggestion}"` : ''
  const allowed = problem.allowed?.length ? `; allowed: ${problem.allowed.join(', ')}` : ''
  return what + hint + allowed
}

/** A file as the user would type it from where they are. */
function relativeFile(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative === '' || relative.length > file.length ? file : relative
}

/** By file in order of first appearance, then line and column; overrides last, in the order they were given. */
function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.filter((problem) => !problem.override).map((problem) => problem.file))]
  const rank = (problem: Problem) => (problem.override ? files.length : files.indexOf(problem.file))
  const sorted = [...problems].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.col - b.col)
  return Object.freeze(sorted)
}
