/** @file What trains at each target of a LoRA: its rank, its scale and its tensors, named as PEFT names them. */
import type { ParameterInit, ParameterSpec } from '../compute/graph.ts'
import type { LinearSite, WeightSlice } from '../plugin/contract.ts'
import { OptionError } from '../util/errors.ts'
import { startMatch } from '../util/python-regex.ts'
import { type FactorInit, type LoraInit, startsOf } from './lora-init.ts'

/** Options named as in the recipe; what is left out does nothing. */
export interface LoraSettings {
  readonly rank: number
  readonly alpha: number
  readonly seed: number
  /** Module name pattern -> rank or alpha of its own; the first that matches counts. */
  readonly rank_pattern?: Readonly<Record<string, number>> | undefined
  readonly alpha_pattern?: Readonly<Record<string, number>> | undefined
  /** Scale by alpha / sqrt(rank) (rsLoRA) instead of alpha / rank. */
  readonly rslora?: boolean | undefined
  /** Train the size of each row of W + scaling * B A apart from its direction (DoRA). */
  readonly dora?: boolean | undefined
  readonly init?: LoraInit | undefined
  /** Share of the inputs that are dropped before A while training. */
  readonly dropout?: number | undefined
  /** Learning rate of B and the magnitude, as a multiple of A's (LoRA+). */
  readonly lora_plus?: number | undefined
}

/** A projection with its adapter: y = W x + scaling * B A x. */
export interface LoraTarget extends LinearSite {
  readonly rank: number
  readonly alpha: number
  readonly scaling: number
  /** [rank, inFeatures] */
  readonly a: ParameterSpec
  /** [outFeatures, rank], zeros at first: training starts from the base model exactly. */
  readonly b: ParameterSpec
  /** [outFeatures] of DoRA: the norms of the rows of W at first, so that training starts from the base model here too. */
  readonly magnitude?: ParameterSpec
  /** What A and B started from where that is not nothing (OLoRA, PiSSA): taken away from the branch, so that training starts from the base model. b is negated. */
  readonly start?: { readonly a: ParameterSpec; readonly b: ParameterSpec }
}

export interface LoraSources {
  /** The model's weights, which DoRA starts from. */
  readonly weights?: readonly WeightSlice[]
  /** Passes over patterns that match nothing, as PEFT does. */
  readonly lenient?: boolean
}

/**
 * @param sites the chosen projections in module order, which is the order in which PEFT draws their A
 * @throws OptionError at a pattern that no target matches (unless `lenient`), or a rank that a target does not allow
 */
export function loraTargets(
  sites: readonly LinearSite[],
  settings: LoraSettings,
  { lenient = false, weights = [] }: LoraSources = {},
): readonly LoraTarget[] {
  const { rank, alpha, seed, rslora = false, dora = false, init = 'kaiming' } = settings
  const rules = (path: 'rank_pattern' | 'alpha_pattern') => patternRules(sites, path, settings[path], lenient)
  const rankOf = firstMatch(rules('rank_pattern'), rank)
  const alphaOf = firstMatch(rules('alpha_pattern'), alpha)
  const sized = sites.map((site) => ({ ...site, rank: rankOf(site), alpha: alphaOf(site) }))
  if (!lenient) for (const site of sized) refuseWideRank(site, rank)
  const factored = isFactor(init)
  if (factored && dora)
    throw new OptionError('init', `${init} does not go with dora: each sets where training starts`)
  const starts = factored ? [] : startsOf(sized, init, seed)
  const plus = settings.lora_plus === undefined ? {} : { lrFactor: settings.lora_plus }
  return sized.map((site, index) => {
    const scaling = site.alpha / (rslora ? Math.sqrt(site.rank) : site.rank)
    const { a, b, start } = factored
      ? factors(site, weights, FACTORS[init](scaling))
      : pair(site, starts[index]!)
    return {
      ...(start ? { start } : {}),
      ...site,
      scaling,
      a,
      b: { ...b, ...plus },
      ...(dora ? { magnitude: { ...magnitude(site, weights), ...plus } } : {}),
    }
  })
}

/** Name of one tensor of a target in adapter_model.safetensors. */
export function tensorName(site: string, tensor: string): string {
  return `base_model.model.${site}.${tensor}`
}

function pair(
  site: LinearSite & { readonly rank: number },
  init: ParameterInit,
): Pick<LoraTarget, 'a' | 'b' | 'start'> {
  const { name, rank, inFeatures, outFeatures } = site
  return {
    a: { name: tensorName(name, 'lora_A.weight'), shape: [rank, inFeatures], init },
    b: { name: tensorName(name, 'lora_B.weight'), shape: [outFeatures, rank], init: { kind: 'zeros' } },
  }
}

function magnitude(
  { name, inFeatures, outFeatures }: LinearSite,
  weights: readonly WeightSlice[],
): ParameterSpec {
  const { file, offset, dtype } = sliceOf(name, weights)
  return {
    name: tensorName(name, 'lora_magnitude_vector'),
    shape: [outFeatures],
    init: { kind: 'row-norms', file, offset, dtype, width: inFeatures },
  }
}

/** What of a matrix A and B start as. */
interface Factors {
  readonly kind: 'qr' | 'svd'
  readonly a: 'r' | 'a'
  readonly b: 'q' | 'b'
  readonly factor: number
}

const FACTORS: Readonly<Record<FactorInit, (scaling: number) => Factors>> = {
  /** B and A are the first columns of Q and rows of R of W = Q R (Büyükakyüz 2024). */
  olora: () => ({ kind: 'qr', a: 'r', b: 'q', factor: 1 }),
  /** scaling * B A is what is nearest to W of its rank (PiSSA, Meng et al. 2024). */
  pissa: (scaling) => ({ kind: 'svd', a: 'a', b: 'b', factor: 1 / Math.sqrt(scaling) }),
}

function isFactor(init: LoraInit): init is FactorInit {
  return Object.hasOwn(FACTORS, init)
}

function factors(
  site: LinearSite & { readonly rank: number },
  weights: readonly WeightSlice[],
  { kind, a: partOfA, b: partOfB, factor }: Factors,
): Pick<LoraTarget, 'a' | 'b' | 'start'> {
  const { name, rank, inFeatures: columns, outFeatures: rows } = site
  const { file, offset, dtype } = sliceOf(name, weights)
  const init = (part: Factors['a' | 'b'], sign = 1): ParameterInit =>
    ({ kind, part, factor: sign * factor, rank, rows, columns, file, offset, dtype }) as ParameterInit
  const { a, b } = pair(site, init(partOfA))
  const kept = (spec: ParameterSpec, start: ParameterInit): ParameterSpec => {
    return { name: `start of ${spec.name}`, shape: spec.shape, init: start, frozen: true }
  }
  return {
    a,
    b: { ...b, init: init(partOfB) },
    start: { a: kept(a, init(partOfA)), b: kept(b, init(partOfB, -1)) },
  }
}

function sliceOf(site: string, weights: readonly WeightSlice[]): WeightSlice {
  const slice = weights.find((weight) => weight.name === `${site}.weight`)
  if (!slice) throw new Error(`the adapter starts from ${site}.weight, which the model does not have`)
  return slice
}

interface PatternRule {
  readonly end: RegExp
  readonly value: number
}

/** PEFT's rule: a key is an expression for the end of a module's name, from a dot on. */
function patternRules(
  sites: readonly LinearSite[],
  path: 'rank_pattern' | 'alpha_pattern',
  patterns: Readonly<Record<string, number>> = {},
  lenient: boolean,
): readonly PatternRule[] {
  return Object.entries(patterns).map(([key, value]) => {
    const end = endsWith(path, key)
    if (!lenient && !sites.some(({ name }) => end.test(name)))
      throw new OptionError(`${path}.${key}`, `matches none of the targets (${sites[0]!.name}, ...)`)
    return { end, value }
  })
}

function firstMatch(rules: readonly PatternRule[], otherwise: number): (site: LinearSite) => number {
  return ({ name }) => rules.find(({ end }) => end.test(name))?.value ?? otherwise
}

function endsWith(path: string, key: string): RegExp {
  try {
    return startMatch('(?:.*\\.)?', key, '$')
  } catch (error) {
    throw new OptionError(
      `${path}.${key}`,
      `"${key}" is not a regular expression (${(error as Error).message})`,
    )
  }
}

/** A branch wider than its projection is no longer low-rank: it costs more than training the projection itself. */
function refuseWideRank(site: LinearSite & { readonly rank: number }, common: number): void {
  const { name, rank, inFeatures, outFeatures } = site
  const limit = Math.min(inFeatures, outFeatures)
  if (rank <= limit) return
  throw new OptionError(
    rank === common ? 'rank' : 'rank_pattern',
    `${rank} is more than ${name} allows, which is ${outFeatures} x ${inFeatures}: at most ${limit}`,
  )
}
