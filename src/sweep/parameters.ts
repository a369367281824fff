/** @file `parameters:` of a sweep file to the space that samplers search; what cannot be meant is refused at its place. */
import type { Condition, Distribution, Space, SweepParameter } from '../plugin/contract.ts'
import type { Problem } from '../recipe/errors.ts'
import { canonicalJson } from '../recipe/hash.ts'
import { type Entry, type MapNode, mapNode, type Node, toValue } from '../recipe/tree.ts'
import { nearest } from '../util/nearest.ts'
import { DISTRIBUTIONS, type Given, refusedDistribution } from './distributions.ts'

/** What stands in the parameter's own mapping when it groups others. */
const GROUP_KEYS = new Set(['parameters', 'when'])

/** Short forms to long ones: a list is `{ values }`, a single value `{ value }`. Nothing else is changed. */
export function expandParameters(node: Node): Node {
  if (node.kind !== 'map') return node
  return mapNode(
    node.place,
    [...node.entries].map(([path, entry]) => [path, { ...entry, value: expandOne(entry.value) }] as const),
  )
}

function expandOne(node: Node): Node {
  if (node.kind !== 'map') {
    const key = node.kind === 'list' ? 'values' : 'value'
    return mapNode(node.place, [[key, { key: node.place, value: node }]])
  }
  const inner = node.entries.get('parameters')
  if (!inner) return node
  const nested = { ...inner, value: expandParameters(inner.value) }
  return mapNode(node.place, [...node.entries, ['parameters', nested]])
}

interface Written {
  readonly path: string
  /** Where it stands in the sweep file, below `parameters`. */
  readonly at: readonly string[]
  readonly entry: Entry
  readonly when: readonly Condition[]
}

interface Built {
  /** What others stand behind stands first. */
  readonly space: Space
  /** Parameter -> its keys in the sweep file, such as `parameters.optimizer.parameters.lr`. */
  readonly places: ReadonlyMap<string, readonly string[]>
}

/** The space that `parameters` describes; worth using only where no problem was added. */
export function buildSpace(parameters: MapNode, problems: Problem[]): Built {
  const written = flatten(parameters, ['parameters'], '', [], problems)
  const fail: Fail = (at, message, more = {}) =>
    problems.push({ ...placeIn(parameters, at), path: at.join('.'), message, ...more })
  const seen = new Map<string, Written>()
  const built: SweepParameter[] = []
  for (const one of written) {
    const other = seen.get(one.path)
    if (other) fail(one.at, `sets "${one.path}" a second time; it is set at ${other.at.join('.')} too`)
    seen.set(one.path, one)
    const distribution = distributionOf(one, fail)
    if (distribution) built.push({ path: one.path, distribution, when: one.when })
  }
  refuseOverlaps(written, fail)
  const space = written.length === built.length ? inOrder(built, seen, fail) : built
  return { space, places: new Map(written.map(({ path, at }) => [path, at])) }
}

type Fail = (at: readonly string[], message: string, more?: Partial<Problem>) => void

/** The place of a key below `parameters`, or of the nearest that is written. */
function placeIn(parameters: MapNode, at: readonly string[]) {
  let entry: Entry = { key: parameters.place, value: parameters }
  for (const key of at.slice(1)) {
    const next = entry.value.kind === 'map' ? entry.value.entries.get(key) : undefined
    if (!next) break
    entry = next
  }
  return entry.key
}

function flatten(
  parameters: MapNode,
  at: readonly string[],
  prefix: string,
  when: readonly Condition[],
  problems: Problem[],
): readonly Written[] {
  return [...parameters.entries].flatMap(([key, entry]) => {
    const here = [...at, key]
    const path = prefix === '' ? key : `${prefix}.${key}`
    if (entry.value.kind !== 'map') return []
    const conditions = [...when, ...conditionsOf(entry.value)]
    const inner = entry.value.entries.get('parameters')
    if (!inner) return [{ path, at: here, entry, when: conditions }]
    const extra = [...entry.value.entries.keys()].filter((name) => !GROUP_KEYS.has(name))
    for (const name of extra)
      problems.push({
        ...entry.value.entries.get(name)!.key,
        path: [...here, name].join('.'),
        message: `does not go with "parameters": ${path} either has values of its own or groups others`,
      })
    if (inner.value.kind !== 'map') return []
    return flatten(inner.value, [...here, 'parameters'], path, conditions, problems)
  })
}

function conditionsOf(node: MapNode): readonly Condition[] {
  const when = node.entries.get('when')?.value
  if (when?.kind !== 'map') return []
  return [...when.entries].map(([path, { value }]) => ({ path, values: [toValue(value)].flat() }))
}

function distributionOf({ path, at, entry }: Written, fail: Fail): Distribution | undefined {
  const given = toValue(entry.value) as Given
  const name = given.distribution ?? implied(given)
  if (name === undefined) {
    fail(at, `says nothing of its values: give "${path}" values: [...], min and max, or value`)
    return undefined
  }
  const refused = refusedDistribution(name, given)
  if (refused) {
    fail([...at, 'distribution'], refused)
    return undefined
  }
  const kind = Object.hasOwn(DISTRIBUTIONS, name) ? DISTRIBUTIONS[name]! : undefined
  if (!kind) {
    const allowed = Object.keys(DISTRIBUTIONS)
    const suggestion = nearest(name, allowed)
    fail([...at, 'distribution'], `no distribution is named "${name}"`, {
      ...(suggestion ? { suggestion } : {}),
      allowed,
    })
    return undefined
  }
  const extra = Object.keys(given).find((key) => !kind.keys.includes(key) && !ALWAYS.has(key))
  if (extra) {
    fail([...at, extra], `does not go with ${given.distribution ? `distribution ${name}` : kind.words}`)
    return undefined
  }
  const made = kind.make(given)
  if ('problem' in made) {
    fail([...at, ...(made.key ? [made.key] : [])], made.problem)
    return undefined
  }
  return made.distribution
}

/** Keys that go with every distribution. */
const ALWAYS = new Set(['distribution', 'when'])

/** What W&B takes a parameter for that does not say. */
function implied(given: Given): string | undefined {
  if ('value' in given) return 'constant'
  if (given.values !== undefined) return 'categorical'
  if (given.min === undefined && given.max === undefined) return undefined
  if (given.q !== undefined) return 'q_uniform'
  return Number.isInteger(given.min) && Number.isInteger(given.max) ? 'int_uniform' : 'uniform'
}

/** `adapter` and `adapter.rank` cannot both be set: the one would undo the other. */
function refuseOverlaps(written: readonly Written[], fail: Fail): void {
  for (const { path, at } of written) {
    const holder = written.find((other) => path.startsWith(`${other.path}.`) && !isPlugin(other))
    if (holder) fail(at, `lies inside "${holder.path}", which is a parameter too; keep one of them`)
  }
}

/** A stage whose values are plugins' names may have options beside it. */
function isPlugin({ entry }: Written): boolean {
  const given = toValue(entry.value) as Given
  return [given.value, given.values].flat().every((value) => value === undefined || typeof value === 'string')
}

/** Sorted so that a condition's parameter stands before those that depend on it. */
function inOrder(
  parameters: readonly SweepParameter[],
  written: ReadonlyMap<string, Written>,
  fail: Fail,
): Space {
  const left = new Map(parameters.map((parameter) => [parameter.path, parameter]))
  const sorted: SweepParameter[] = []
  let moved = true
  while (moved) {
    moved = false
    for (const [path, parameter] of left) {
      if (parameter.when.some((condition) => left.has(condition.path) && condition.path !== path)) continue
      left.delete(path)
      sorted.push(parameter)
      moved = true
    }
  }
  for (const { path } of left.values()) {
    const loop = [...left.keys()].join(', ')
    fail([...written.get(path)!.at, 'when'], `depends on itself: ${loop} wait for one another`)
  }
  for (const parameter of sorted) checkConditions(parameter, parameters, written, fail)
  return sorted
}

function checkConditions(
  { path, when }: SweepParameter,
  parameters: readonly SweepParameter[],
  written: ReadonlyMap<string, Written>,
  fail: Fail,
): void {
  for (const condition of when) {
    const at = [...written.get(path)!.at, 'when', condition.path]
    const parent = parameters.find((parameter) => parameter.path === condition.path)
    if (condition.path === path) fail(at, 'a parameter cannot depend on itself')
    else if (!parent) {
      const suggestion = nearest(condition.path, written.keys())
      fail(at, 'is no parameter of this sweep, so it never changes', {
        ...(suggestion ? { suggestion } : {}),
        allowed: [...written.keys()].filter((name) => name !== path),
      })
    } else if (parent.distribution.kind === 'categorical') {
      const known = new Set(parent.distribution.values.map(canonicalJson))
      const never = condition.values.find((value) => !known.has(canonicalJson(value)))
      if (never !== undefined)
        fail(at, `${JSON.stringify(never)} is not among the values of "${condition.path}"`)
    }
  }
}
