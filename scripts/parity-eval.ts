/**
 * @file The same weights, documents and questions through lm-evaluation-harness and through medtune, in fp32; prints a
 * line of JSON a setting, and fails where they differ by more than the limits below:
 *   npm run parity:eval -- --medmcqa 1000 --pubmedqa 500 --others 100 [--venv <python environment>] [--only <part of a name>]
 * The harness's own code runs where it can be installed (a --venv may have it: test/reference/requirements-harness.txt), else its
 * rule written out in test/reference/task_scores.py. Needs the folder `shared` beside the repository.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { evaluate } from '../src/evaluate.ts'
import { WORK } from './parity/place.ts'
import { addTo, NoReference, openReference, type Reference as Python } from './parity/reference.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SHARED = resolve(ROOT, '../shared')
const BENCHMARKS = join(SHARED, 'data/benchmarks')
const LIMITS = { option: 0.998, logprob: 1e-3, accuracy: 0.002 } as const

const { values } = parseArgs({
  options: {
    medmcqa: { type: 'string', default: '1000' },
    pubmedqa: { type: 'string', default: '500' },
    /** Items of the settings with examples or a chat turn. */
    others: { type: 'string', default: '100' },
    fewshot: { type: 'string', default: '3' },
    shape: { type: 'string', default: '270m' },
    model: { type: 'string' },
    venv: { type: 'string' },
    only: { type: 'string', default: '' },
    /** Reads what the reference wrote before, where it is there. */
    reuse: { type: 'boolean', default: false },
  },
})

interface Setting {
  readonly name: string
  readonly task: 'medmcqa' | 'pubmedqa'
  readonly limit: number
  readonly fewshot: number
  readonly chat: boolean
}

interface Scored {
  readonly prompt: string
  readonly continuations: readonly string[]
  readonly logprobs: readonly number[]
  readonly acc: number
}

const note = (text: string): void => void process.stderr.write(`${text}\n`)
const readLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)

/** The documents as the Hub has them: answers counted from 0, the official test set of PubMedQA. */
function writeDocuments(): Readonly<Record<Setting['task'], string>> {
  const exam = readLines<{ cop: number }>(join(BENCHMARKS, 'medmcqa/dev.json')).map((row) => ({
    ...row,
    cop: row.cop - 1,
  }))
  const json = (name: string) => JSON.parse(readFileSync(join(BENCHMARKS, 'pubmedqa', name), 'utf8'))
  const all: Record<string, object> = json('ori_pqal.json')
  const papers = Object.keys(json('test_ground_truth.json')).map((id) => ({ id, ...all[id] }))
  const files = { medmcqa: join(WORK, 'medmcqa.jsonl'), pubmedqa: join(WORK, 'pubmedqa.jsonl') }
  const text = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  writeFileSync(files.medmcqa, text(exam))
  writeFileSync(files.pubmedqa, text(papers))
  return files
}

/** Of a chat the question alone is compared: its turns stand in other words between the examples. */
function sameText(theirs: string, ours: string, { chat }: Setting): boolean {
  const question = ours.slice(ours.lastIndexOf('\n\n') + 1).trim()
  return chat ? theirs.includes(question) : theirs === ours
}

const firstHighest = (logprobs: readonly number[]): number =>
  logprobs.reduce((best, value, i) => (value > logprobs[best]! ? i : best), 0)

async function compare(python: Python, model: string, documents: string, setting: Setting): Promise<boolean> {
  const { name, task, limit, fewshot, chat } = setting
  const file = join(WORK, `${name}-${limit}.jsonl`)
  const script = join(ROOT, 'test/reference/task_scores.py')
  if (!values.reuse || !existsSync(file)) {
    note(`${name}: the reference, ${limit} items`)
    const options = ['--limit', limit, '--fewshot', fewshot, ...(chat ? ['--chat'] : [])]
    await python.run(script, [model, task, documents, file, ...options])
  }
  const reference = readLines<Scored>(file)
  note(`${name}: medtune`)
  const started = performance.now()
  const options = { path: documents, limit, fewshot, chat }
  const { folder } = await evaluate(model, {
    evaluations: [
      task === 'medmcqa'
        ? { use: 'medmcqa', ...options }
        : { use: 'task', task: 'pubmedqa_source', ...options },
    ],
    out: join(WORK, 'scores'),
  })
  const seconds = (performance.now() - started) / 1000
  const ours = readLines<{ prompt: string; logprobs: number[]; score: number }>(
    join(folder, `${task === 'medmcqa' ? task : 'task'}.base.jsonl`),
  )
  const same = reference.filter((item, i) => firstHighest(item.logprobs) === firstHighest(ours[i]!.logprobs))
  const apart = reference.flatMap((item, i) =>
    item.logprobs.map((value, c) => Math.abs(value - ours[i]!.logprobs[c]!)),
  )
  const accuracy = (items: readonly number[]) => items.reduce((sum, acc) => sum + acc, 0) / items.length
  const margins = reference.map(({ logprobs }) => {
    const [first, second] = [...logprobs].sort((a, b) => b - a)
    return first! - second!
  })
  const found = {
    items: reference.length,
    prompts_equal: reference.filter(({ prompt }, i) => sameText(prompt, ours[i]!.prompt, setting)).length,
    option_equal: same.length / reference.length,
    largest_logprob_difference: Math.max(...apart),
    accuracy: [accuracy(reference.map(({ acc }) => acc)), accuracy(ours.map(({ score }) => score))],
    smallest_margin: Math.min(...margins),
    seconds,
  }
  const pass =
    ours.length === reference.length &&
    found.prompts_equal === reference.length &&
    found.option_equal >= LIMITS.option &&
    found.largest_logprob_difference <= LIMITS.logprob &&
    Math.abs(found.accuracy[0]! - found.accuracy[1]!) <= LIMITS.accuracy
  process.stdout.write(`${JSON.stringify({ check: name, pass, ...found })}\n`)
  return pass
}

async function main(): Promise<boolean> {
  const make = join(SHARED, 'reference/make_model.py')
  const missing = [BENCHMARKS, make].find((path) => !existsSync(path))
  if (missing) {
    note(`parity: skipped, ${missing} is missing`)
    return true
  }
  mkdirSync(WORK, { recursive: true })
  const requirements = join(ROOT, 'test/reference/requirements.txt')
  const venv = join(WORK, 'venv')
  const python = await openReference(values.venv, venv, requirements, note)
  const harness = join(ROOT, 'test/reference/requirements-harness.txt')
  if (values.venv === undefined && !(await addTo(venv, harness)))
    note('the harness cannot be installed: its rule as written out in test/reference/task_scores.py is used')
  const model = values.model ?? join(WORK, `model-${values.shape}`)
  if (!existsSync(join(model, 'model.safetensors'))) await python.run(make, [model, '--shape', values.shape])
  const documents = writeDocuments()
  const [few, others] = [Number(values.fewshot), Number(values.others)]
  const settings: Setting[] = [
    { name: 'medmcqa', task: 'medmcqa', limit: Number(values.medmcqa), fewshot: 0, chat: false },
    { name: 'pubmedqa', task: 'pubmedqa', limit: Number(values.pubmedqa), fewshot: 0, chat: false },
    { name: 'medmcqa-chat', task: 'medmcqa', limit: others, fewshot: 0, chat: true },
    { name: `medmcqa-${few}shot`, task: 'medmcqa', limit: others, fewshot: few, chat: false },
    { name: `medmcqa-${few}shot-chat`, task: 'medmcqa', limit: others, fewshot: few, chat: true },
    { name: 'pubmedqa-chat', task: 'pubmedqa', limit: others, fewshot: 0, chat: true },
  ]
  // Scores that were remembered would say nothing of the code as it is now.
  const cache = mkdtempSync(join(tmpdir(), 'medtune-parity-'))
  process.env.MEDTUNE_CACHE = cache
  let pass = true
  try {
    for (const setting of settings.filter(({ name, limit }) => limit > 0 && name.includes(values.only)))
      pass = (await compare(python, model, documents[setting.task], setting)) && pass
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
  return pass
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  if (!(error instanceof NoReference)) throw error
  note(`parity: ${error.message}`)
  process.exitCode = 3
}
