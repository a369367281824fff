/** @file The rows of a task's dataset as items: what is asked, what is right, what is compared with training rows. */
import { readFile } from 'node:fs/promises'
import type { Row } from '../../plugin/contract.ts'
import { nearest } from '../../util/nearest.ts'
import type { TaskDefinition } from './definition.ts'
import { type HalvedRow, secondHalf } from './half.ts'
import { fillTaskPattern, PatternError, type TaskPattern, valueAt } from './pattern.ts'

export interface TaskItem {
  readonly id: string
  readonly prompt: string
  /** What is scored or named; empty for a task with a target. */
  readonly choices: readonly string[]
  /** The texts behind the choices; the choices themselves where the task names none. */
  readonly options: readonly string[]
  /** Index of the right choice; -1 for a task with a target. */
  readonly answer: number
  /** The right text: the target, or the right choice. */
  readonly reference: string
  readonly cluster?: string
  /** What training rows are searched for. */
  readonly text: string
}

export interface ItemOptions {
  /** The first so many. */
  readonly limit?: number | undefined
  /** Only those whose ids the file names. */
  readonly ids?: string | undefined
  readonly answerFrom?: number | undefined
  /** Only those of these ids, where no file names others. */
  readonly half?: ReadonlySet<string> | undefined
}

/**
 * Reads the items that are asked. @throws RecipeError at the task's key that does not fit the rows, with the item's
 * number; InputError of the dataset; RecipeError for a set without items
 */
export async function readItemsOf(
  task: TaskDefinition,
  rows: AsyncIterable<Row>,
  { limit = Number.POSITIVE_INFINITY, ids, answerFrom = task.answerFrom, half }: ItemOptions,
): Promise<TaskItem[]> {
  const wanted = ids === undefined ? half : await readIds(ids, task)
  const items: TaskItem[] = []
  const seen = new Set<string>()
  let number = 0
  for await (const row of rows) {
    if (items.length >= limit) break
    number++
    if (number === 1) checkColumns(task, row)
    const id = idOf(task, row, number)
    if (wanted !== undefined && !wanted.has(id)) continue
    if (seen.has(id)) throw task.file.error('id', `item ${number}: id ${JSON.stringify(id)} was used before`)
    seen.add(id)
    items.push(itemOf(task, row, { id, number, answerFrom }))
  }
  if (items.length === 0) {
    const from = ids ?? 'the half that is asked'
    const why = wanted === undefined ? 'it has no rows' : `none of its ${number} rows has an id of ${from}`
    throw task.file.error('dataset', `there is nothing to ask: ${why}`)
  }
  return items
}

/** Every row as an item, but for those of these ids: where few-shot examples are drawn from. */
export async function readExamples(
  task: TaskDefinition,
  rows: AsyncIterable<Row>,
  answerFrom = task.answerFrom,
  without: ReadonlySet<string> = new Set(),
): Promise<TaskItem[]> {
  const items: TaskItem[] = []
  let number = 0
  for await (const row of rows) {
    number++
    const id = idOf(task, row, number)
    if (!without.has(id)) items.push(itemOf(task, row, { id, number, answerFrom }))
  }
  return items
}

/**
 * Ids of the half that is asked; undefined where all rows are. `warn` hears of rows that the task's rule is not for.
 * @throws RecipeError for a column that the rows lack
 */
export async function readHalf(
  task: TaskDefinition,
  rows: AsyncIterable<Row>,
  warn: (message: string) => void,
): Promise<ReadonlySet<string> | undefined> {
  if (task.half === undefined) return undefined
  const { by } = task.half
  const all: HalvedRow[] = []
  for await (const row of rows) {
    if (all.length === 0) checkColumns(task, row)
    all.push({ id: idOf(task, row, all.length + 1), value: String(row[by]) })
  }
  const half = secondHalf(all, task.half)
  if (half === undefined) {
    warn(
      `${task.name}: all ${all.length} rows are asked, since they are not those (in that order) from which the test half is drawn`,
    )
  }
  return half
}

interface Place {
  readonly id: string
  readonly number: number
  readonly answerFrom: number
}

function itemOf(task: TaskDefinition, row: Row, place: Place): TaskItem {
  const fail = (path: string, message: string): never => {
    const named = place.id === String(place.number) ? '' : ` (${place.id})`
    throw task.file.error(path, `item ${place.number}${named}: ${message}`)
  }
  const at = <T>(path: string, action: () => T): T => {
    try {
      return action()
    } catch (error) {
      return error instanceof PatternError ? fail(path, error.message) : (Promise.reject(error) as never)
    }
  }
  const fill = (path: string, pattern: TaskPattern): string => at(path, () => fillTaskPattern(pattern, row))
  const choices = at('choices', () => listOf(task.choices, row, fill, 'choices'))
  const texts = at('options', () => listOf(task.options, row, fill, 'options'))
  const options = texts.length > 0 ? texts : choices
  if (task.choices !== undefined) checkChoices(choices, options, fail)
  const answer =
    task.answer === undefined
      ? -1
      : at('answer', () => answerOf(task, row, choices, options, place.answerFrom))
  const target = task.target === undefined ? undefined : fill('target', task.target)
  return {
    id: place.id,
    prompt: fill('prompt', task.prompt),
    choices,
    options,
    answer,
    reference: target ?? choices[answer]!,
    ...(task.cluster === undefined
      ? {}
      : { cluster: at('cluster', () => String(valueAt(row, task.cluster!.split('.')))) }),
    text: fill('contamination', task.contamination),
  }
}

function listOf(
  from: readonly TaskPattern[] | string | undefined,
  row: Row,
  fill: (path: string, pattern: TaskPattern) => string,
  key: string,
): readonly string[] {
  if (from === undefined) return []
  if (typeof from !== 'string') return from.map((pattern, i) => fill(`${key}.${i}`, pattern))
  const value = valueAt(row, from.split('.'))
  if (!Array.isArray(value)) throw new PatternError(`column "${from}" must be a list, found ${show(value)}`)
  return value.map(String)
}

function checkChoices(
  choices: readonly string[],
  options: readonly string[],
  fail: (path: string, message: string) => never,
): void {
  if (choices.length < 2) fail('choices', `there must be at least two, found ${show(choices)}`)
  if (choices.some((choice) => choice.trim() === '')) fail('choices', `one is empty: ${show(choices)}`)
  if (new Set(choices).size < choices.length) fail('choices', `the same one twice: ${show(choices)}`)
  if (options.length !== choices.length)
    fail('options', `are ${options.length} for ${choices.length} choices; there is one behind each`)
}

function answerOf(
  { answer }: TaskDefinition,
  row: Row,
  choices: readonly string[],
  options: readonly string[],
  from: number,
): number {
  const value = valueAt(row, answer!.split('.'))
  const number =
    typeof value === 'number' || typeof value === 'bigint' ? Number(value) - from : textIndex(value)
  if (Number.isInteger(number) && number >= 0 && number < choices.length) return number
  const range = `a number from ${from} to ${from + choices.length - 1} (answer_from: ${from})`
  throw new PatternError(`column "${answer}" must be ${range} or the text of a choice, found ${show(value)}`)

  function textIndex(text: unknown): number {
    const at = choices.indexOf(text as string)
    if (at >= 0) return at
    const among = options.indexOf(text as string)
    if (among >= 0) return among
    return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) - from : -1
  }
}

function idOf({ id, file }: TaskDefinition, row: Row, number: number): string {
  if (id === undefined) return String(number)
  try {
    return String(valueAt(row, id.split('.')))
  } catch (error) {
    throw error instanceof PatternError ? file.error('id', `item ${number}: ${error.message}`) : error
  }
}

/** Every column that the task names, against the first row: a misspelt one is found at its place, with its neighbour. */
function checkColumns(task: TaskDefinition, row: Row): void {
  const there = Object.keys(row)
  const paths = (key: string, from: readonly TaskPattern[] | string | undefined): [string, string][] =>
    typeof from === 'string'
      ? [[key, from.split('.')[0]!]]
      : (from ?? []).flatMap(({ columns }, i) =>
          columns.map((column): [string, string] => [`${key}.${i}`, column]),
        )
  const named: [string, string][] = [
    ...task.prompt.columns.map((column): [string, string] => ['prompt', column]),
    ...paths('choices', task.choices),
    ...paths('options', task.options),
    ...(task.answer === undefined ? [] : paths('answer', task.answer)),
    ...(task.target?.columns ?? []).map((column): [string, string] => ['target', column]),
    ...(task.half === undefined ? [] : paths('half.by', task.half.by)),
    ...(task.id === undefined ? [] : paths('id', task.id)),
    ...(task.cluster === undefined ? [] : paths('cluster', task.cluster)),
    ...task.contamination.columns.map((column): [string, string] => ['contamination', column]),
  ]
  for (const [path, column] of named) {
    if (there.includes(column)) continue
    const near = nearest(column, there)
    const hint = near === undefined ? '' : `; did you mean "${near}"`
    const others = Object.entries(task.other_columns ?? {}).map(([name, files]) => `; ${files}: take ${name}`)
    throw task.file.error(
      path,
      `the dataset has no column "${column}"${hint}; its columns: ${there.join(', ')}${others.join('')}`,
    )
  }
}

/** Ids of a JSON list, of an object's keys, or a line each. */
async function readIds(file: string, task: TaskDefinition): Promise<ReadonlySet<string>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw task.file.error('ids', `${file}: ${error.code === 'ENOENT' ? 'no such file' : error.message}`)
  })
  const start = text.trimStart()[0]
  if (start !== '[' && start !== '{') return new Set(text.split(/\r?\n/).filter((line) => line.trim() !== ''))
  try {
    const value: unknown = JSON.parse(text)
    return new Set(Array.isArray(value) ? value.map(String) : Object.keys(value as object))
  } catch (error) {
    throw task.file.error('ids', `${file}: not valid JSON: ${(error as Error).message}`)
  }
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80)
}
