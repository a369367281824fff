/** @file The table of facts: one condition a line, six attributes each. Simplified textbook knowledge for teaching. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'

export const ATTRIBUTES = ['sign', 'test', 'drug', 'mechanism', 'organ', 'risk'] as const
export type Attribute = (typeof ATTRIBUTES)[number]

/** A condition's name and its value of each attribute. */
export type Condition = Readonly<Record<'condition' | Attribute, string>>

export interface Fact {
  readonly condition: Condition
  readonly attribute: Attribute
}

export const TABLE_FILE = join(import.meta.dirname, 'facts.csv')

/**
 * Reads and checks the table; rows are frozen.
 * @throws Error with file and line, for a table that would make an unfair question or a leak.
 */
export function readTable(file: string = TABLE_FILE): readonly Condition[] {
  return parseTable(readFileSync(file, 'utf8'), file)
}

export function parseTable(text: string, file: string): readonly Condition[] {
  const columns = ['condition', ...ATTRIBUTES] as const
  const [header = [], ...lines]: string[][] = parse(text, { bom: true })
  if (header.join() !== columns.join()) {
    throw new Error(`${file}:1: columns must be ${columns.join(', ')}, found ${header.join(', ')}`)
  }
  const table = lines.map((cells, i) => {
    const odd = cells.find((cell) => !/^[a-z0-9]+([ -][a-z0-9]+)*$/.test(cell))
    if (odd !== undefined) throw new Error(`${file}:${i + 2}: "${odd}" is not a plain lower-case phrase`)
    return Object.freeze(Object.fromEntries(columns.map((name, c) => [name, cells[c]]))) as Condition
  })
  checkNames(table, file)
  for (const attribute of ATTRIBUTES) refuseParts(attribute, valuesOf(table, attribute), file)
  checkMechanisms(table, file)
  table.forEach((row, i) => {
    checkApart(row, `${file}:${i + 2}`)
  })
  return Object.freeze(table)
}

/** The different values of an attribute, in the table's order. */
export function valuesOf(table: readonly Condition[], attribute: Attribute): string[] {
  return [...new Set(table.map((row) => row[attribute]))]
}

/** Whether a text holds a phrase as whole words; case and punctuation do not matter. */
export function mentions(text: string, phrase: string): boolean {
  return words(text).includes(words(phrase))
}

/** The words of a text with one blank on either side of each. */
function words(text: string): string {
  return ` ${
    text
      .toLowerCase()
      .match(/[a-z0-9]+/g)
      ?.join(' ') ?? ''
  } `
}

function checkNames(table: readonly Condition[], file: string): void {
  const names = table.map(({ condition }) => condition)
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) throw new Error(`${file}:${i + 2}: condition "${name}" appears twice`)
  })
  refuseParts('condition', names, file)
}

/** A value inside another would be a prefix of its answer, and a leak would be hard to tell. */
function refuseParts(column: string, values: readonly string[], file: string): void {
  for (const value of values) {
    const whole = values.find((other) => other !== value && other.includes(value))
    if (whole !== undefined) throw new Error(`${file}: ${column} "${value}" is a part of "${whole}"`)
  }
}

function checkMechanisms(table: readonly Condition[], file: string): void {
  const known = new Map<string, string>()
  table.forEach(({ drug, mechanism }, i) => {
    const first = known.get(drug) ?? mechanism
    if (first !== mechanism)
      throw new Error(`${file}:${i + 2}: ${drug} has two mechanisms, "${first}" and "${mechanism}"`)
    known.set(drug, mechanism)
  })
}

/** A value that is named by another cell of its row would be given away by it. */
function checkApart(row: Condition, place: string): void {
  for (const attribute of ATTRIBUTES) {
    for (const [column, cell] of Object.entries(row)) {
      if (column !== attribute && mentions(cell, row[attribute]))
        throw new Error(`${place}: ${attribute} "${row[attribute]}" is named by the ${column} "${cell}"`)
    }
  }
}
