/** @file `medtune eval --compare`: models on the same items, by paired tests, and the items on which they differ. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { EvalItem } from '../../plugin/contract.ts'
import { type ItemSet, type MatchedSets, matchSets, readItemSets } from '../../track/compare/item-sets.ts'
import { pairItems, rewordedText } from '../../track/compare/question.ts'
import { stringify } from '../../track/json.ts'
import { type Comparison, compareItems, holm, verdict } from '../../util/paired.ts'
import { estimate } from '../../util/statistics.ts'
import { visibleLine } from '../../util/visible.ts'
import { colorsFor } from '../colors.ts'
import { UsageError, wholeNumber } from '../failure.ts'
import { difference, figure, interval, pValue } from '../format.ts'
import { namedTarget } from '../named-run.ts'

interface Flags {
  readonly task?: readonly string[]
  readonly show: string
  readonly runsDir: string
  readonly json?: boolean
}

/** Decides the draws of a bootstrap: the same files give the same p-values. */
const SEED = 42

/** The first of the results is what the others are compared with. */
export async function compareItemFiles(targets: readonly string[], flags: Flags): Promise<number> {
  const show = wholeNumber('--show', flags.show)
  if (targets.length < 2) throw new UsageError('name at least two folders or files of results to compare')
  const places = await Promise.all(targets.map((target) => placeOf(target, flags.runsDir)))
  const sets = places.map(readItemSets)
  const matched = matchSets(sets, flags.task)
  if (matched.length === 0) throw new UsageError(nothingShared(targets, sets, flags.task))
  const found = compareAll(matched, targets)
  if (flags.json) process.stdout.write(`${stringify(found, 2)}\n`)
  else process.stdout.write(found.map((one) => told(one, namesOf(targets), show)).join('\n'))
  return 0
}

async function placeOf(target: string, runsDir: string): Promise<string> {
  const place = await namedTarget(target, runsDir)
  if (!existsSync(place)) throw new UsageError(`${target}: no such file or folder, and no run of that name`)
  return place
}

function nothingShared(
  targets: readonly string[],
  sets: readonly (readonly ItemSet[])[],
  wanted: readonly string[] | undefined,
): string {
  const there = targets.map((target, i) => {
    const names = [...new Set(sets[i]!.map(({ name, items }) => `${name} (${items.length} items)`))]
    return `${target}: ${names.join(', ') || 'none'}`
  })
  const what = wanted === undefined ? 'no evaluation' : `no evaluation named ${wanted.join(' or ')}`
  return `${what} with the same questions is in all of them; ${there.join('; ')}`
}

type Compared = ReturnType<typeof compareAll>[number]

/** All that is compared in one call is one family of tests. */
function compareAll(matched: readonly MatchedSets[], targets: readonly string[]) {
  const compared = matched.map(({ sets }) => {
    const [first, ...others] = sets
    return others.map(({ items }) => compareItems(first!.items, items, SEED))
  })
  const all = compared.flat()
  const corrected = holm(all.map(({ p }) => p))
  const differenceOf = (one: Comparison, target: string, better: 'higher' | 'lower') => {
    const p = corrected[all.indexOf(one)]!
    return { target, ...one, ...(all.length > 1 ? { p_holm: p } : {}), verdict: verdict(one, p, better) }
  }
  return matched.map(({ name, sets, sizes }, i) => ({
    name,
    metric: sets[0]!.metric,
    better: sets[0]!.better,
    models: sets.map(({ items, file, options, template }, k) => ({
      target: targets[k]!,
      file,
      options,
      had: sizes[k]!,
      ...(template === undefined ? {} : { template }),
      ...estimate(items),
    })),
    differences: compared[i]!.map((one, k) => ({
      ...differenceOf(one, targets[k + 1]!, sets[0]!.better),
      reworded: pairItems(sets[0]!.items, sets[k + 1]!.items).reworded,
    })),
    items: differingItems(sets.map(({ items }) => items)),
  }))
}

interface Differing {
  readonly id: string
  readonly scores: readonly number[]
  readonly predictions: readonly unknown[]
  readonly reference: unknown
  readonly prompt: unknown
}

function differingItems(sets: readonly (readonly EvalItem[])[]): Differing[] {
  return sets[0]!.flatMap((item, i) => {
    const all = sets.map((items) => items[i]!)
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

/** The last part of each path, or the whole path where that is not its own. */
function namesOf(targets: readonly string[]): readonly string[] {
  const short = targets.map((target) => basename(target))
  return short.map((name, i) => (short.filter((other) => other === name).length > 1 ? targets[i]! : name))
}

function told(compared: Compared, names: readonly string[], show: number): string {
  const { name, metric, models, differences, items } = compared
  const { bold } = colorsFor(process.stdout)
  const lines = [
    metric === '' ? bold(name) : `${bold(name)}: ${metric}, ${compared.better} is better`,
    ...models.map(
      ({ value, ci95, n }, i) => `  ${names[i]}: ${figure(metric, value)} ${interval(metric, ci95)}, n ${n}`,
    ),
    ...differences.map((one, i) => {
      const p = one.p_holm === undefined ? pValue(one.p) : `${pValue(one.p_holm)} (Holm)`
      const mde = Number.isFinite(one.mde) ? `, could show ${difference(metric, one.mde).slice(1)}` : ''
      const shown = `${difference(metric, one.value)} ${interval(metric, one.ci95)}, ${p}${mde}`
      return `  ${names[i + 1]} - ${names[0]}: ${shown}: ${one.verdict}`
    }),
    ...notes(compared, names).map((note) => `  ${note}`),
    `  ${items.length} items differ${items.length > show ? `, the first ${show}` : ''}${items.length > 0 ? ':' : ''}`,
    ...items.slice(0, show).map((item) => `  ${differenceLine(item)}`),
  ]
  return `${lines.join('\n')}\n`
}

/** What a reader must know to read it right: other items, other ways of asking. */
function notes({ models, differences }: Compared, names: readonly string[]): string[] {
  const left = models.flatMap(({ had, n }, i) => (had > n ? [`${had - n} of ${had} of ${names[i]}`] : []))
  const ways = models.map(wayOf)
  const known = ways.filter((way) => way !== undefined)
  const differ = new Set(known).size > 1
  return [
    ...(left.length > 0
      ? [`items that another has not, or not as the same question, are left out: ${left.join(', ')}`]
      : []),
    ...(differ
      ? [`not asked alike: ${ways.map((way, i) => `${names[i]} ${way ?? '(unknown)'}`).join('; ')}`]
      : []),
    ...differences.flatMap(({ reworded, n }, i) =>
      reworded > 0 ? [`${names[i + 1]}: ${rewordedText(reworded, n)}`] : [],
    ),
  ]
}

/** How a task was put; undefined where nothing says so. */
function wayOf({ options, template }: Compared['models'][number]): string | undefined {
  if (Object.keys(options).length === 0) return undefined
  const { fewshot = 0, chat } = options
  const { use, ...own } = template ?? {}
  const more = Object.keys(own).length === 0 ? '' : ` ${visibleLine(JSON.stringify(own))}`
  return [
    `fewshot ${String(fewshot)}`,
    ...(chat === undefined ? [] : [`chat ${String(chat)}`]),
    ...(template === undefined ? [] : [`template ${String(use)}${more}`]),
  ].join(', ')
}

function differenceLine({ id, predictions, scores, reference }: Differing): string {
  const each = predictions.map((prediction, i) => {
    const score = Number.isInteger(scores[i]) ? String(scores[i]) : scores[i]!.toFixed(4)
    return prediction === null ? score : `${short(prediction)} (${score})`
  })
  const right = reference === null ? '' : `; right: ${short(reference)}`
  return `${id}: ${each.join(' | ')}${right}`
}

function short(value: unknown): string {
  const text = visibleLine(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
