/** @file `medtune eval --compare`: models on the same items, by paired tests, and the items on which they differ. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { EvalItem } from '../../plugin/contract.ts'
import { stringify } from '../../track/json.ts'
import { readScoredItems } from '../../track/scorings.ts'
import { compareItems, holm, verdict } from '../../util/paired.ts'
import { estimate } from '../../util/statistics.ts'
import { colorsFor } from '../colors.ts'
import { UsageError } from '../failure.ts'
import { interval, pValue } from '../format.ts'

interface Flags {
  readonly task?: readonly string[]
  readonly show: string
  readonly json?: boolean
}

/** Decides the draws of a bootstrap: the same files give the same p-values. */
const SEED = 42

/** The first of the results is what the others are compared with. */
export function compareItemFiles(targets: readonly string[], flags: Flags): number {
  if (targets.length < 2) throw new UsageError('name at least two folders or files of results to compare')
  const sets = targets.map(itemFiles)
  const shared = [...sets[0]!.keys()].filter((name) => sets.every((files) => files.has(name)))
  const named = shared.filter((name) => flags.task === undefined || flags.task.includes(name))
  if (named.length === 0) {
    const there = sets.map((files, i) => `${targets[i]}: ${[...files.keys()].join(', ') || 'none'}`)
    throw new UsageError(`no evaluation is in all of them; ${there.join('; ')}`)
  }
  const found = named.map((name) =>
    compareOne(
      name,
      targets,
      sets.map((files) => readScoredItems(files.get(name)!)),
    ),
  )
  if (flags.json) process.stdout.write(`${stringify(found, 2)}\n`)
  else process.stdout.write(found.map((one) => told(one, Number(flags.show))).join('\n'))
  return 0
}

/** Evaluation -> file of items: of a run's folder or a folder of results the tuned model's, else the base model's. */
function itemFiles(target: string): ReadonlyMap<string, string> {
  if (!existsSync(target)) throw new UsageError(`${target}: no such file or folder`)
  if (statSync(target).isFile()) return new Map([['items', target]])
  const folder = existsSync(join(target, 'eval')) ? join(target, 'eval') : target
  const files = new Map<string, string>()
  for (const which of ['base', 'tuned']) {
    const end = `.${which}.jsonl`
    for (const name of readdirSync(folder).filter((file) => file.endsWith(end)))
      files.set(name.slice(0, -end.length), join(folder, name))
  }
  return files
}

function compareOne(name: string, targets: readonly string[], sets: readonly (readonly EvalItem[])[]) {
  const [first, ...others] = sets
  const compared = others.map((items) => compareItems(first!, items, SEED))
  const corrected = compared.length > 1 ? holm(compared.map(({ p }) => p)) : compared.map(({ p }) => p)
  return {
    name,
    models: sets.map((items, i) => ({ target: targets[i]!, ...estimate(items) })),
    differences: compared.map((one, i) => ({
      target: targets[i + 1]!,
      ...one,
      ...(compared.length > 1 ? { p_holm: corrected[i]! } : {}),
      // Of loss the lower is the better one; nothing else that is written here has weights.
      verdict: verdict(one, corrected[i]!, first!.every(({ weight }) => weight === 1) ? 'higher' : 'lower'),
    })),
    items: differingItems(sets),
  }
}

interface Differing {
  readonly id: string
  readonly scores: readonly number[]
  readonly predictions: readonly unknown[]
  readonly reference: unknown
  readonly prompt: unknown
}

function differingItems(sets: readonly (readonly EvalItem[])[]): Differing[] {
  const [first, ...others] = sets.map((items) => new Map(items.map((item) => [item.id, item])))
  return [...first!.values()].flatMap((item) => {
    const same = [item, ...others.map((items) => items.get(item.id))]
    if (same.some((other) => other === undefined)) return []
    const all = same as EvalItem[]
    if (all.every(({ score }) => score === item.score)) return []
    return [
      {
        id: item.id,
        scores: all.map(({ score }) => score),
        predictions: all.map(({ detail }) => detail?.prediction ?? null),
        reference: item.detail?.reference ?? null,
        prompt: item.detail?.prompt ?? null,
      },
    ]
  })
}

function told({ name, models, differences, items }: ReturnType<typeof compareOne>, show: number): string {
  const { bold } = colorsFor(process.stdout)
  const number = (value: number): string => value.toFixed(4)
  const lines = [
    bold(name),
    ...models.map(
      ({ target, value, ci95, n }) => `  ${basename(target)}: ${number(value)} ${interval('', ci95)}, n ${n}`,
    ),
    ...differences.map((one) => {
      const p = one.p_holm === undefined ? pValue(one.p) : `${pValue(one.p_holm)} (Holm)`
      const shown = `${number(one.value)} ${interval('', one.ci95)}, ${p}, could show ${number(one.mde)}`
      return `  ${basename(one.target)} - ${basename(models[0]!.target)}: ${shown}: ${one.verdict}`
    }),
    `  ${items.length} items differ${items.length > show ? `, the first ${show}` : ''}${items.length > 0 ? ':' : ''}`,
    ...items.slice(0, show).map(({ id, predictions, scores, reference }) => {
      const each = predictions.map((prediction, i) => `${short(prediction)} (${scores[i]})`)
      return `  ${id}: ${each.join(' | ')}; right: ${short(reference)}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value.replace(/\s+/g, ' ') : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
