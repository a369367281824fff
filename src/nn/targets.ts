/** @file Which projections an adapter attaches to, by the rules of PEFT, with no name left unmatched. */
import type { LinearSite } from '../plugin/contract.ts'
import { OptionError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'

/**
 * A string is a regular expression over the whole module name, or `all-linear`; an item of a list is a
 * module's full name or the end of one (`q_proj`, `mlp.up_proj`). Stricter than PEFT, which is content
 * when one item of a list matches: here each must.
 * @throws OptionError at `targets` or `targets.<index>`
 */
export function matchTargets(
  targets: string | readonly string[],
  sites: readonly LinearSite[],
): readonly LinearSite[] {
  if (typeof targets === 'string') return matchString(targets, sites)
  if (targets.length === 0)
    throw new OptionError('targets', `is empty: nothing would train; ${choices(sites)}`)
  targets.forEach((item, index) => {
    if (!sites.some(({ name }) => matchesItem(name, item))) {
      throw new OptionError(`targets.${index}`, unmatched(item, sites))
    }
  })
  return sites.filter(({ name }) => targets.some((item) => matchesItem(name, item)))
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

function matchString(pattern: string, sites: readonly LinearSite[]): readonly LinearSite[] {
  if (pattern.toLowerCase() === 'all-linear') return sites
  let whole: RegExp
  try {
    whole = new RegExp(`^(?:${pattern})$`)
  } catch (error) {
    throw new OptionError('targets', `"${pattern}" is not a regular expression (${(error as Error).message})`)
  }
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

function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
