/** @file How the A of each target starts: drawn as PEFT draws them, one after another from one seeded stream. */
import type { ParameterInit } from '../compute/graph.ts'
import { torchNormalDraws } from '../compute/torch-random.ts'
import type { LinearSite } from '../plugin/contract.ts'

/** How a branch starts: A drawn and B zero, or both as factors of W itself. */
export type LoraInit = DrawnInit | FactorInit
export type DrawnInit = 'kaiming' | 'gaussian'
export type FactorInit = 'olora' | 'pissa'

/**
 * - `kaiming`: uniform within 1/sqrt(inFeatures), what `kaiming_uniform_(a=sqrt(5))` comes to, bit for bit.
 * - `gaussian`: normal with deviation 1/rank.
 *
 * PyTorch fills a layer's A and B when it makes them and PEFT then fills A again, so the draws of both come
 * before those that count.
 * @param targets in module order, with their ranks
 */
export function startsOf(
  targets: readonly (LinearSite & { readonly rank: number })[],
  init: DrawnInit,
  seed: number,
): readonly ParameterInit[] {
  let drawn = 0
  return targets.map(({ rank, inFeatures, outFeatures }): ParameterInit => {
    const size = rank * inFeatures
    const skip = drawn + size + outFeatures * rank
    drawn = skip + (init === 'gaussian' ? torchNormalDraws(size) : size)
    return init === 'gaussian'
      ? { kind: 'torch-normal', std: 1 / rank, seed, skip }
      : { kind: 'torch-uniform', bound: kaimingBound(inFeatures), seed, skip }
  })
}

/** In the order in which torch computes it, for the same last bit. */
function kaimingBound(fanIn: number): number {
  const gain = Math.sqrt(2 / (1 + Math.sqrt(5) ** 2))
  return Math.sqrt(3) * (gain / Math.sqrt(fanIn))
}
