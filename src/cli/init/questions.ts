/** @file What `medtune init` asks on a terminal: the few things of a recipe that differ from one user to the next. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { intro, isCancel, outro, text } from '@clack/prompts'
import { isScalar, parseDocument } from 'yaml'
import type { Change } from '../../recipe/edit.ts'

interface Question {
  readonly key: readonly string[]
  readonly message: string
  /** What is wrong with an answer, which is neither empty nor what stands there already. */
  check(answer: string, folder: string): string | undefined
  changes(key: readonly string[], answer: string): readonly Change[]
}

const MODEL = 'Model: a repository of the Hub (owner/name), or a folder'
const DATA = 'Data: a repository of the Hub, or a file (.jsonl, .json, .csv, .parquet)'

const asText = (key: readonly string[], answer: string): readonly Change[] => [
  { key, value: answer.replaceAll('\\n', '\n') },
]
const asNumber = (key: readonly string[], answer: string): readonly Change[] => [
  { key, value: Number(answer) },
]
const anyText = (): undefined => undefined
const wholeNumber = (answer: string): string | undefined =>
  Number.isInteger(Number(answer)) && Number(answer) > 0 ? undefined : 'Write a whole number above 0.'
const someNumber = (answer: string): string | undefined =>
  Number(answer) > 0 && Number.isFinite(Number(answer)) ? undefined : 'Write a number above 0, such as 2e-4.'

/** Asked in this order; a question whose key the recipe does not have is left out. */
const QUESTIONS: readonly Question[] = [
  {
    key: ['name'],
    message: 'Name of the run',
    check: (answer) => (/^[\w.-]+$/.test(answer) ? undefined : 'Letters, digits, ".", "_" and "-" only.'),
    changes: asText,
  },
  { key: ['model', 'repo'], message: MODEL, check: placeFault, changes: modelChanges },
  { key: ['model', 'path'], message: MODEL, check: placeFault, changes: modelChanges },
  {
    key: ['model', 'use'],
    message: 'Family of the model (medtune plugins lists them)',
    check: anyText,
    changes: asText,
  },
  { key: ['dataset', 'repo'], message: DATA, check: dataFault, changes: dataChanges },
  { key: ['dataset', 'path'], message: DATA, check: dataFault, changes: dataChanges },
  {
    key: ['template', 'user'],
    message: 'What the user says; {column} stands for a column',
    check: anyText,
    changes: asText,
  },
  { key: ['template', 'model'], message: 'What the model learns to answer', check: anyText, changes: asText },
  { key: ['adapter', 'rank'], message: 'Rank of the adapter', check: wholeNumber, changes: asNumber },
  { key: ['optimizer', 'lr'], message: 'Learning rate', check: someNumber, changes: asNumber },
  { key: ['train', 'steps'], message: 'Training steps', check: wholeNumber, changes: asNumber },
  { key: ['train', 'epochs'], message: 'Epochs', check: someNumber, changes: asNumber },
]

/** Ending of a data file -> the plugin that reads it. */
const READERS: Readonly<Record<string, string>> = {
  '.jsonl': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.parquet': 'parquet',
}

/**
 * Asks on the terminal; Enter keeps what stands there. Undefined where the user broke off.
 * @param recipe the recipe's text, with paths as they count from `folder`
 */
export async function askChanges(recipe: string, folder: string): Promise<readonly Change[] | undefined> {
  const document = parseDocument(recipe)
  const output = process.stderr
  const changes: Change[] = []
  intro('Enter keeps what is there; Ctrl-C leaves without writing.', { output })
  for (const { key, message, check, changes: changesOf } of QUESTIONS) {
    const node = document.getIn(key, true)
    if (!isScalar(node)) continue
    const there = String(node.value).replaceAll('\n', '\\n')
    const validate = (given = ''): string | undefined => {
      const answer = given.trim()
      if (answer === there) return undefined
      return answer === '' ? 'Write something.' : check(answer, folder)
    }
    const given = await text({ message, initialValue: there, validate, output })
    if (isCancel(given)) return undefined
    if (given.trim() !== there) changes.push(...changesOf(key, given.trim()))
  }
  outro(changes.length === 0 ? 'Nothing changed.' : 'Thank you.', { output })
  return changes
}

/** What cannot be a repository is a path. */
function isLocal(answer: string): boolean {
  return path.extname(answer) in READERS || !/^[\w.-]+(\/[\w.-]+)?$/.test(answer) || /^\.{1,2}\//.test(answer)
}

function placeFault(answer: string, folder: string): string | undefined {
  const found = path.resolve(folder, answer)
  return isLocal(answer) && !existsSync(found) ? `There is no ${found}.` : undefined
}

function dataFault(answer: string, folder: string): string | undefined {
  if (isLocal(answer) && READERS[path.extname(answer)] === undefined)
    return `Write a file that ends in ${Object.keys(READERS).join(', ')}.`
  return placeFault(answer, folder)
}

function modelChanges(key: readonly string[], answer: string): readonly Change[] {
  return [{ key, value: answer, rename: isLocal(answer) ? 'path' : 'repo' }]
}

/** Another reader for another kind of place; `config` and its like are of a repository alone. */
function dataChanges(key: readonly string[], answer: string): readonly Change[] {
  const local = isLocal(answer)
  const use = local ? READERS[path.extname(answer)]! : 'hub'
  const place: Change = { key, value: answer, rename: local ? 'path' : 'repo' }
  const ofHub = ['config', 'split', 'revision'].map((name) => ({ key: ['dataset', name], value: undefined }))
  return [{ key: ['dataset', 'use'], value: use }, place, ...ofHub]
}
