/** @file Evaluations that an interrupted run had finished: their items on disk are used again instead of being computed. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvalOutcome } from '../plugin/contract.ts'
import type { StageUse } from '../recipe/recipe.ts'
import { parseJson } from '../track/json.ts'
import type { RunFolder } from '../track/run-folder.ts'
import { parseItem } from '../track/scorings.ts'

/** `eval/<name>.<which>.json`: what the items alone do not say, and what they belong to. */
interface Summary extends Omit<EvalOutcome, 'items'> {
  /** What was evaluated on what; see `evaluate.ts`. */
  readonly subject: string
  /** How it was asked: the evaluation's options, and the template where its prompts go through it. */
  readonly options?: StageUse | undefined
  readonly template?: StageUse | undefined
  /** SHA-256 (hex) of the file of items. */
  readonly sha256: string
}

type Which = 'base' | 'tuned'

/** Writes the items, a line each, then the summary: an evaluation that has one is finished. */
export async function writeOutcome(
  folder: RunFolder,
  name: string,
  which: Which,
  outcome: EvalOutcome,
  { subject, ...way }: Pick<Summary, 'subject' | 'options' | 'template'>,
): Promise<void> {
  const { items, metric, better, extra, about } = outcome
  await folder.writeItems(name, which, items)
  const sha256 = hash(await readFile(folder.file('eval', `${name}.${which}.jsonl`)))
  const said = { ...(extra ? { extra } : {}), ...(about ? { about } : {}) }
  const summary: Summary = { metric, better, ...said, ...way, subject, sha256 }
  await folder.writeJson(join('eval', `${name}.${which}.json`), summary)
}

/** The outcome as it was; undefined where there is none, where it is of another subject, or where a byte is not as it was. */
export async function readOutcome(
  folder: RunFolder,
  name: string,
  which: Which,
  subject: string,
): Promise<EvalOutcome | undefined> {
  try {
    const text = await readFile(folder.file('eval', `${name}.${which}.json`), 'utf8')
    const { metric, better, extra, about, ...proof } = parseJson(text) as Summary
    const lines = await readFile(folder.file('eval', `${name}.${which}.jsonl`))
    if (proof.subject !== subject || proof.sha256 !== hash(lines)) return undefined
    const items = lines.toString('utf8').split('\n').filter(Boolean).map(parseItem)
    return { metric, better, items, ...(extra ? { extra } : {}), ...(about ? { about } : {}) }
  } catch {
    return undefined
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
