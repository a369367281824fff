/** @file Which projections an adapter attaches to, by the rules of PEFT, with no name left unmatched. */
import type { LinearSite } from '../plugin/contract.ts'
import { OptionError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'
import { fullMatch, startMatch } from '../util/python-regex.ts'

/** What narrows the targets, named and meant as in PEFT's LoraConfig. */
export interface TargetFilters {
  /** Left out: a regular expression over whole names, or names and ends of names. */
  readonly exclude?: string | readonly string[] | undefined
  /** Numbers of the layers to keep; targets that are written as a full name stay. */
  readonly layers_to_transform?: number | readonly number[] | undefined
  /** Name of the list of layers, where it is not the first numbered one. */
  readonly layers_pattern?: string | readonly string[] | undefined
}

/**
 * A string is a regular expression (Python's) over the whole module name, or `all-linear`; an item of a list
 * is a module's full name or the end of one (`q_proj`, `mlp.up_proj`). Stricter than PEFT, which is content
 * when one item of a list matches: here each must, as must each that is excluded, unless `lenient`.
 * @throws OptionError at `targets`, `exclude`, `layers_to_transform` or an item of them
 */
export function matchTargets(
  targets: string | readonly string[],
  sites: readonly LinearSite[],
  filters: TargetFilters = {},
  { lenient = false } = {},
): readonly LinearSite[] {
  refuseTogether(targets, filters)
  refuseTied(targets)
  const named = typeof targets === 'string' ? matchString(targets, sites) : matchList(targets, sites, lenient)
  const inLayers = layerFilter(targets, filters)
  const excluded = excludeFilter(filters.exclude, sites, lenient)
  const chosen = named.filter(({ name }) => inLayers(name) && !excluded(name))
  if (chosen.length > 0) return chosen
  const { exclude, layers_to_transform: layers } = filters
  if (layers !== undefined && !named.some(({ name }) => inLayers(name))) {
    throw new OptionError('layers_to_transform', `no target lies in layer ${[layers].flat().join(', ')}`)
  }
  throw new OptionError(
    'exclude',
    `${JSON.stringify(exclude)} takes away every target: nothing would train; ${choices(sites)}`,
  )
}

/** The least list of names that means exactly `chosen` to PEFT: short names where all their sites are in. */
export function minimalTargets(
  chosen: readonly LinearSite[],
  sites: readonly LinearSite[],
): readonly string[] {
  const names = new Set(chosen.map(({ name }) => name))
  const whole = new Set(
    shortNames(sites).filter((short) =>
      sites.every(({ name }) => shortName(name) !== short || names.has(name)),
    ),
  )
  return [...new Set([...names].map((name) => (whole.has(shortName(name)) ? shortName(name) : name)))].sort()
}

/** The last part of a module's name: `q_proj`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** PEFT's own rule: numbered layers go with a list only. */
function refuseTogether(targets: string | readonly string[], filters: TargetFilters): void {
  const { layers_to_transform: layers, layers_pattern: pattern } = filters
  const given = layers !== undefined ? 'layers_to_transform' : 'layers_pattern'
  if (typeof targets === 'string' && (layers !== undefined || pattern !== undefined)) {
    throw new OptionError(
      given,
      `goes with targets as a list of names only, and they are "${targets}"; name the layers in the expression, such as .*layers\\.[0-5]\\..*q_proj`,
    )
  }
  if (pattern !== undefined && [pattern].flat().length > 0 && layers === undefined) {
    throw new OptionError('layers_pattern', 'says how layers are called; layers_to_transform must say which')
  }
}

/** The embedding and the head, wherever a model keeps them. */
const TIED = ['model.embed_tokens', 'lm_head']

function refuseTied(targets: string | readonly string[]): void {
  const reason =
    'is not adapted: the embedding and the head (lm_head) share one tensor in most models, so an adapter on one would change or untie the other, and merging it needs a second copy of the largest tensor'
  if (typeof targets === 'string') {
    if (targets.toLowerCase() === 'all-linear') return
    const tied = TIED.find((name) => expression(targets, 'targets').test(name))
    if (tied) throw new OptionError('targets', `"${targets}" reaches ${tied}, which ${reason}`)
    return
  }
  targets.forEach((item, index) => {
    if (TIED.some((name) => matchesItem(name, item)))
      throw new OptionError(
        `targets.${index}`,
        `"${item}" ${reason}; choose projections: targets: all-linear takes them all`,
      )
  })
}

function matchList(
  targets: readonly string[],
  sites: readonly LinearSite[],
  lenient: boolean,
): readonly LinearSite[] {
  if (targets.length === 0)
    throw new OptionError('targets', `is empty: nothing would train; ${choices(sites)}`)
  const missing = targets.findIndex((item) => !sites.some(({ name }) => matchesItem(name, item)))
  const chosen = sites.filter(({ name }) => targets.some((item) => matchesItem(name, item)))
  if (missing >= 0 && (!lenient || chosen.length === 0)) {
    throw new OptionError(`targets.${missing}`, unmatched(targets[missing]!, sites))
  }
  return chosen
}

function matchString(pattern: string, sites: readonly LinearSite[]): readonly LinearSite[] {
  if (pattern.toLowerCase() === 'all-linear') return sites
  const whole = expression(pattern, 'targets')
  const chosen = sites.filter(({ name }) => whole.test(name))
  if (chosen.length > 0) return chosen
  const listed = shortNames(sites).includes(pattern)
    ? `write [${pattern}] for the projections of that name`
    : choices(sites)
  throw new OptionError(
    'targets',
    `a string is a regular expression over the whole module name (${sites[0]?.name}), and "${pattern}" matches none; ${listed}`,
  )
}

/** Which names to leave out. */
function excludeFilter(
  exclude: TargetFilters['exclude'],
  sites: readonly LinearSite[],
  lenient: boolean,
): (name: string) => boolean {
  if (exclude === undefined) return () => false
  if (typeof exclude === 'string') {
    const whole = expression(exclude, 'exclude')
    if (lenient || [...sites.map(({ name }) => name), ...TIED].some((name) => whole.test(name)))
      return (name) => whole.test(name)
    const listed = shortNames(sites).includes(exclude) ? `; write [${exclude}]` : ''
    throw new OptionError(
      'exclude',
      `a string is a regular expression over the whole module name (${sites[0]?.name}), and "${exclude}" matches none${listed}`,
    )
  }
  const names = [...sites.map(({ name }) => name), ...TIED]
  const unknown = exclude.findIndex((item) => !names.some((name) => matchesItem(name, item)))
  if (unknown >= 0 && !lenient)
    throw new OptionError(`exclude.${unknown}`, unmatched(exclude[unknown]!, sites))
  return (name) => exclude.some((item) => matchesItem(name, item))
}

/** Whether a name lies in the layers asked for. A target that is written as a full name always does. */
function layerFilter(
  targets: string | readonly string[],
  { layers_to_transform: layers, layers_pattern: pattern }: TargetFilters,
): (name: string) => boolean {
  const wanted = layers === undefined ? [] : [layers].flat()
  if (wanted.length === 0) return () => true
  const patterns = pattern === undefined ? [] : [pattern].flat()
  const number =
    patterns.length === 0
      ? [/^.*?\.[^.]*\.(?<index>\d+)\./]
      : patterns.map((item) => expressionOfLayers(item))
  return (name) => {
    if (targets.includes(name)) return true
    const found = number.map((expression) => expression.exec(name)).find((match) => match !== null)
    return found !== undefined && wanted.includes(Number(found.groups!.index))
  }
}

function expressionOfLayers(pattern: string): RegExp {
  try {
    return startMatch('(?:^|.*?\\.)', pattern, '\\.(?<index>\\d+)\\.')
  } catch (error) {
    throw notAnExpression('layers_pattern', pattern, error)
  }
}

function expression(pattern: string, path: string): RegExp {
  try {
    return fullMatch(pattern)
  } catch (error) {
    throw notAnExpression(path, pattern, error)
  }
}

function notAnExpression(path: string, pattern: string, error: unknown): OptionError {
  return new OptionError(path, `"${pattern}" is not a regular expression (${(error as Error).message})`)
}

function matchesItem(name: string, item: string): boolean {
  return name === item || name.endsWith(`.${item}`)
}

function unmatched(item: string, sites: readonly LinearSite[]): string {
  if (item.toLowerCase() === 'all-linear')
    return 'write targets: all-linear, not a list, for every projection'
  const near = nearest(item, [...shortNames(sites), ...sites.map(({ name }) => name)])
  return `"${item}" is no projection of this model${near ? `; did you mean "${near}"?` : ';'} ${choices(sites)}`
}

function choices(sites: readonly LinearSite[]): string {
  return `allowed: ${shortNames(sites).join(', ')}, or all-linear`
}

function shortNames(sites: readonly LinearSite[]): string[] {
  return [...new Set(sites.map(({ name }) => shortName(name)))]
}
