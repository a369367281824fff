/** @file Packs documents of different lengths into rows of one maximal length. */

/**
 * Best-fit decreasing: documents by falling length (ties keep their order), each into the open bin with the
 * least space that still holds it (of equal ones, the bin that came to that space first), else into a new bin.
 * Returns bins of document indexes, in the order in which they were opened. Empty documents are left out, and
 * longer ones count as `maxLength` (cut them before). The same bins as TRL's "bfd" strategy.
 */
export function packBins(lengths: readonly number[], maxLength: number): number[][] {
  const order = lengths.map((_, index) => index).filter((index) => lengths[index]! > 0)
  order.sort((a, b) => lengths[b]! - lengths[a]!)
  const bins: number[][] = []
  // bySpace[s]: open bins with s tokens left, oldest first.
  const bySpace: number[][][] = Array.from({ length: maxLength + 1 }, () => [])
  for (const index of order) {
    const length = Math.min(lengths[index]!, maxLength)
    let space = length
    while (space <= maxLength && bySpace[space]!.length === 0) space++
    const open = space <= maxLength
    const bin = open ? bySpace[space]!.shift()! : []
    if (!open) bins.push(bin)
    bin.push(index)
    bySpace[(open ? space : maxLength) - length]!.push(bin)
  }
  return bins
}
