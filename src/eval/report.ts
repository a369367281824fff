/** @file What a report says of an evaluation: base and tuned with their uncertainty, and the paired difference. */
import type { EvalItem, EvalOutcome } from '../plugin/contract.ts'
import { type Comparison, compareItems, holm, verdict } from '../util/paired.ts'
import { estimate } from '../util/statistics.ts'

/** The headline figure under its own name, such as `accuracy`, beside `n`, `stderr` and `ci95`. */
export type Scores = Readonly<Record<string, number | string | readonly [number, number]>>

/** One figure before and after. */
export interface FigureReport {
  readonly base: Scores
  readonly tuned: Scores
  /**
   * tuned - base, with the two-sided p-value `p` of the `test` named. Where several figures are compared side by
   * side, `p_holm` is corrected for that. `verdict` says better or worse only where p and interval both do.
   */
  readonly difference: Scores
}

export interface EvalReport extends FigureReport {
  readonly metric: string
  readonly better: 'higher' | 'lower'
  /** Further metrics of the same items. */
  readonly metrics?: Readonly<Record<string, FigureReport>>
  /** The parts of a group of tasks. */
  readonly parts?: Readonly<Record<string, FigureReport>>
  /** The same without the items that the training rows contain, where there are such. */
  readonly clean?: FigureReport & { readonly left_out: number }
}

/** What one model came to, by itself. */
export interface ModelReport {
  readonly metric: string
  readonly better: 'higher' | 'lower'
  readonly scores: Scores
  /** Further metrics of the same items. */
  readonly metrics?: Readonly<Record<string, Scores>>
  /** The parts of a group of tasks. */
  readonly parts?: Readonly<Record<string, Scores>>
  /** The same without the items that the training rows contain, where there are such. */
  readonly clean?: Scores & { readonly left_out: number }
}

/** Ids of an evaluation's items that training rows contain. */
export type Contaminated = ReadonlyMap<string, ReadonlySet<string>>

export function outcomeScores({ metric, items, extra, about }: EvalOutcome): Scores {
  return { ...figures(metric, items), ...extra, ...about }
}

/** @param contaminated ids of items that the training rows contain */
export function modelReport(outcome: EvalOutcome, contaminated?: ReadonlySet<string>): ModelReport {
  const { metric, better, items } = outcome
  const clean = cleanItems(items, contaminated)
  const of = (names: readonly string[], scores: (name: string) => Scores) =>
    Object.fromEntries(names.map((name) => [name, scores(name)]))
  return {
    metric,
    better,
    scores: outcomeScores(outcome),
    ...section(
      'metrics',
      of(furtherNames(items), (name) => figures(name, scoredBy(name, items))),
    ),
    ...section(
      'parts',
      of(partNames(items), (name) => figures(metric, partOf(name, items))),
    ),
    ...(clean && { clean: { left_out: items.length - clean.length, ...figures(metric, clean) } }),
  }
}

function figures(metric: string, items: readonly EvalItem[]): Scores {
  const { value, n, stderr, ci95, clusters } = estimate(items)
  return { [metric]: value, n, stderr, ci95, ...(clusters === undefined ? {} : { clusters }) }
}

/**
 * Every evaluation of a run, base against tuned. Their headline figures are one family of tests, and so are the
 * parts of a group: Holm's correction holds for each.
 */
export function compareAll(
  base: ReadonlyMap<string, EvalOutcome>,
  tuned: ReadonlyMap<string, EvalOutcome>,
  seed: number,
  contaminated: Contaminated = new Map(),
): Readonly<Record<string, EvalReport>> {
  const names = [...base.keys()].filter((name) => tuned.has(name))
  const pairs = names.map((name) => ({ before: base.get(name)!, after: tuned.get(name)! }))
  const compared = pairs.map(({ before, after }) => compareItems(before.items, after.items, seed))
  const corrected = correct(compared)
  const cleaned = pairs.map(({ before, after }, i) =>
    cleanPart(before, after, seed, contaminated.get(names[i]!)),
  )
  // The clean parts stand in place of the whole ones, and are as many tests.
  const correctedClean = correct(cleaned.map((part, i) => part?.compared ?? compared[i]!))
  return Object.fromEntries(
    names.map((name, i): [string, EvalReport] => {
      const { before, after } = pairs[i]!
      const { metric, better } = after
      const report: EvalReport = {
        metric,
        better,
        base: outcomeScores(before),
        tuned: outcomeScores(after),
        difference: differenceScores(metric, better, compared[i]!, corrected[i]),
        ...section('metrics', further(before, after, seed)),
        ...section('parts', parts(before, after, seed)),
        ...cleanSection(cleaned[i], after, correctedClean[i]),
      }
      return [name, report]
    }),
  )
}

/** Holm's p-values, where there is more than one to correct for. */
function correct(compared: readonly Comparison[]): readonly (number | undefined)[] {
  return compared.length > 1 ? holm(compared.map(({ p }) => p)) : compared.map(() => undefined)
}

function differenceScores(
  metric: string,
  better: 'higher' | 'lower',
  compared: Comparison,
  corrected: number | undefined,
): Scores {
  const { value, n, stderr, ci95, p, test, mde, clusters } = compared
  return {
    [metric]: value,
    n,
    stderr,
    ci95,
    p,
    test,
    mde,
    ...(clusters === undefined ? {} : { clusters }),
    ...(corrected === undefined ? {} : { p_holm: corrected }),
    verdict: verdict(compared, corrected ?? p, better),
  }
}

/** The other metrics of the items. They are looked at beside the headline, not tested in its place: no verdict. */
function further(before: EvalOutcome, after: EvalOutcome, seed: number): Record<string, FigureReport> {
  return Object.fromEntries(
    furtherNames(after.items).map((metric) => {
      const [base, tuned] = [scoredBy(metric, before.items), scoredBy(metric, after.items)]
      const { verdict: _, ...difference } = differenceScores(
        metric,
        after.better,
        compareItems(base, tuned, seed),
        undefined,
      )
      return [metric, { base: figures(metric, base), tuned: figures(metric, tuned), difference }]
    }),
  )
}

const furtherNames = (items: readonly EvalItem[]): string[] => Object.keys(items[0]?.also ?? {})

function scoredBy(metric: string, items: readonly EvalItem[]): readonly EvalItem[] {
  return items.flatMap((item) => {
    const score = item.also?.[metric]
    return score === undefined ? [] : [{ ...item, score, weight: 1 }]
  })
}

const partNames = (items: readonly EvalItem[]): string[] => [
  ...new Set(items.flatMap(({ part }) => (part === undefined ? [] : [part]))),
]

const partOf = (name: string, items: readonly EvalItem[]) => items.filter(({ part }) => part === name)

function parts(before: EvalOutcome, after: EvalOutcome, seed: number): Record<string, FigureReport> {
  const { metric, better } = after
  const names = partNames(after.items)
  const of = partOf
  const compared = names.map((name) => compareItems(of(name, before.items), of(name, after.items), seed))
  const corrected = correct(compared)
  return Object.fromEntries(
    names.map((name, i) => [
      name,
      {
        base: figures(metric, of(name, before.items)),
        tuned: figures(metric, of(name, after.items)),
        difference: differenceScores(metric, better, compared[i]!, corrected[i]),
      },
    ]),
  )
}

interface CleanPart {
  readonly base: readonly EvalItem[]
  readonly tuned: readonly EvalItem[]
  readonly left_out: number
  readonly compared: Comparison
}

/** The items that no training row contains; undefined where that are all, or none. */
function cleanItems(
  items: readonly EvalItem[],
  contaminated: ReadonlySet<string> = new Set(),
): readonly EvalItem[] | undefined {
  const clean = items.filter(({ id }) => !contaminated.has(id))
  return clean.length === 0 || clean.length === items.length ? undefined : clean
}

function cleanPart(
  before: EvalOutcome,
  after: EvalOutcome,
  seed: number,
  ids: ReadonlySet<string> | undefined,
): CleanPart | undefined {
  const [base, tuned] = [cleanItems(before.items, ids), cleanItems(after.items, ids)]
  if (base === undefined || tuned === undefined) return undefined
  return {
    base,
    tuned,
    left_out: after.items.length - tuned.length,
    compared: compareItems(base, tuned, seed),
  }
}

function cleanSection(
  part: CleanPart | undefined,
  { metric, better }: EvalOutcome,
  corrected: number | undefined,
): Pick<EvalReport, 'clean'> {
  if (part === undefined) return {}
  const { base, tuned, left_out, compared } = part
  const difference = differenceScores(metric, better, compared, corrected)
  return { clean: { left_out, base: figures(metric, base), tuned: figures(metric, tuned), difference } }
}

const section = <K extends 'metrics' | 'parts', V>(
  key: K,
  value: Readonly<Record<string, V>>,
): { readonly [key in K]?: Readonly<Record<string, V>> } =>
  (Object.keys(value).length === 0 ? {} : { [key]: value }) as { readonly [key in K]?: typeof value }
