/** @file The importance of settings over any runs, by the same measure as a sweep's. */
import type { RunRow } from '../../../track/read/run-row.ts'

export const FEWEST = 8

export function importancesOf(
  _rows: readonly RunRow[],
  _settings: readonly string[],
  _goal: string,
  _lower: boolean,
): readonly { readonly path: string; readonly share: number }[] {
  return []
}
