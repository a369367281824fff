/** @file An encoded split that lies in memory, and documents to put in it. */

import { sumCensus } from '../../src/data/census.ts'
import type { EncodedSplit, RowFindings } from '../../src/data/index.ts'
import type { Encoded } from '../../src/plugin/contract.ts'

const none = { count: 0, first: [] }
const NOTHING: RowFindings = {
  emptyAnswers: none,
  emptyColumns: new Map(),
  doubleBos: none,
  noBos: none,
  noEnd: none,
  duplicates: none,
  prints: new Float64Array(0),
  numbers: new Int32Array(0),
}

/** `asked` notes the windows in the order in which they were asked for. */
export function memorySplit(windows: readonly (readonly Encoded[])[], asked: number[] = []): EncodedSplit {
  return {
    digest: '',
    windows: windows.length,
    async window(index) {
      asked.push(index)
      return windows[index]!
    },
    census: Promise.resolve(sumCensus([])),
    findings: Promise.resolve(NOTHING),
    async close() {},
  }
}

/** A document of `length` tokens below 64, the last `labels` of which are learned. */
export function documentOf(length: number, labels: number, seed = 1): Encoded {
  const ids = Int32Array.from({ length }, (_, t) => 6 + ((seed * 31 + t * 17 + t * t * seed) % 57))
  return { ids, mask: Uint8Array.from({ length }, (_, t) => (t >= length - labels ? 1 : 0)) }
}
