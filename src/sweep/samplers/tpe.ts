/**
 * @file The tree-structured Parzen estimator of Bergstra et al., "Algorithms for Hyper-Parameter Optimization"
 * (2011): trials are split into good and bad, a density is fitted to each, and of some points drawn from the good
 * one that is taken where good is likeliest against bad. Kernels are joint over all parameters, as in Falkner et
 * al., "BOHB" (2018). What runs at the moment counts as bad, so that workers do not crowd.
 */
import type { Params, PastTrial, Question, Sampler } from '../../plugin/contract.ts'
import { Draws } from './draws.ts'
import { type Density, fitDensity } from './parzen.ts'
import { drawParams } from './random.ts'
import { sobol } from './sobol.ts'

export interface TpeOptions {
  /** Trials before it begins to learn; spread evenly. */
  readonly startup: number
  /** Points drawn from the good density for each proposal. */
  readonly candidates: number
  /** Largest number of trials that count as good. */
  readonly good: number
}

export function tpe(options: TpeOptions): Sampler {
  return { adaptive: true, ask: (question) => propose(question, options) }
}

function propose(question: Question, { startup, candidates, good }: TpeOptions): Params {
  const { space, seed, index, draw, trials } = question
  const known = trials.filter(({ value }) => value !== undefined)
  if (known.length < startup || draw > MOST_DRAWS) {
    return space.length <= 64 ? sobol.ask(question) : drawParams(space, { seed, index, draw })
  }
  const draws = new Draws(seed, `tpe:${index}:${draw}`)
  const { below, above } = split(known, trials, good)
  const [l, g] = [fitDensity(space, below, NEAR_GOOD), fitDensity(space, above, NEAR_BAD)]
  // Now and then the first point drawn is taken as it is: the most promising ones alone would settle too early,
  // above all on one value of a list.
  return bestOf(l, g, draws.next() < EXPLORE ? 1 : candidates, draws)
}
const EXPLORE = 0.15
/** A good trial speaks for the other values of a list too, a bad one hardly against them. */
const NEAR_GOOD = 0.5
const NEAR_BAD = 0.1

/** After so many proposals that were tried before, the space is nearly gone through: any other point will do. */
const MOST_DRAWS = 8

/** A tenth of the trials are good; failed and running ones count as bad. */
function split(
  known: readonly PastTrial[],
  trials: readonly PastTrial[],
  most: number,
): { readonly below: readonly Params[]; readonly above: readonly Params[] } {
  const sorted = [...known].sort((a, b) => a.value! - b.value! || a.index - b.index)
  const count = Math.min(most, Math.ceil(SHARE * sorted.length))
  const below = sorted.slice(0, count)
  const rest = trials.filter((trial) => !below.includes(trial))
  return { below: below.map(({ params }) => params), above: rest.map(({ params }) => params) }
}
const SHARE = 0.1

function bestOf(l: Density, g: Density, candidates: number, draws: Draws): Params {
  let best: Params = {}
  let bestScore = Number.NEGATIVE_INFINITY
  for (let i = 0; i < candidates; i++) {
    const params = l.draw(draws)
    const score = l.logAt(params) - g.logAt(params)
    if (score > bestScore || i === 0) [best, bestScore] = [params, score]
  }
  return best
}
