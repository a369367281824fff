/** @file Remembers which row of its data set a row is (from 1), so that a complaint about it can say so. */
import type { Row } from '../plugin/contract.ts'

const numbers = new WeakMap<Row, number>()

/** Notes that `row` is the `number`th (from 1) of its data set, and returns it. */
export function numberRow(row: Row, number: number): Row {
  numbers.set(row, number)
  return row
}

/** The number that `numberRow` gave the row; `fallback` where it gave none. */
export function rowNumber(row: Row, fallback: number): number {
  return numbers.get(row) ?? fallback
}
