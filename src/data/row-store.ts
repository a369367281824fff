/**
 * @file Keeps the rendered rows of a split in a scratch file until they are tokenised, so that rows can be read
 * in any order while memory holds only their offsets.
 */
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dataset, Span, Split, Template } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { AnswerColumns, hasEmptyAnswer } from './answers.ts'
import { type RenderFindings, RowCounter } from './findings.ts'
import { rowNumber } from './row-number.ts'

/** Bytes gathered before a write. */
const CHUNK = 1 << 20

/** A rendered row as it crosses to the tokenising worker. */
export interface StoredRow {
  /** Which row of the data set it is, from 1. */
  readonly number: number
  readonly spans: readonly Span[]
}

export class RowStore {
  readonly #folder = mkdtempSync(join(tmpdir(), 'medtune-rows-'))
  readonly #file = openSync(join(this.#folder, 'rows'), 'w+')
  readonly #hash = createHash('sha256')
  /** Row i lies from #ends[i - 1] to #ends[i]. */
  readonly #ends: number[] = []
  readonly #numbers: number[] = []
  #size = 0
  #pending: Buffer[] = []
  #pendingSize = 0
  #digest: string | undefined
  #closed = false

  constructor() {
    // Where an open file may lose its name, a killed process leaves nothing behind.
    if (process.platform !== 'win32') rmSync(this.#folder, { recursive: true, force: true })
  }

  get count(): number {
    return this.#ends.length
  }

  add({ number, spans }: StoredRow): void {
    const text = JSON.stringify(spans)
    this.#hash.update(text).update('\n')
    const bytes = Buffer.from(`${number}\n${text}`)
    this.#pending.push(bytes)
    this.#pendingSize += bytes.length
    this.#size += bytes.length
    this.#ends.push(this.#size)
    this.#numbers.push(number)
    if (this.#pendingSize >= CHUNK) this.#flush()
  }

  /** Which row of the data set each one is, from 1. */
  numbers(): Int32Array {
    return Int32Array.from(this.#numbers)
  }

  /** SHA-256 (hex) of what the rows say, in their order. Nothing may be added afterwards. */
  digest(): string {
    this.#flush()
    this.#digest ??= this.#hash.digest('hex')
    return this.#digest
  }

  /** The text of a row; `parseStoredRow` reads it. */
  read(index: number): string {
    const start = index === 0 ? 0 : this.#ends[index - 1]!
    const bytes = Buffer.alloc(this.#ends[index]! - start)
    readSync(this.#file, bytes, 0, bytes.length, start)
    return bytes.toString()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#file)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #flush(): void {
    if (this.#pending.length > 0) writeSync(this.#file, Buffer.concat(this.#pending))
    this.#pending = []
    this.#pendingSize = 0
  }
}

export function parseStoredRow(text: string): StoredRow {
  const cut = text.indexOf('\n')
  return { number: Number(text.slice(0, cut)), spans: JSON.parse(text.slice(cut + 1)) as Span[] }
}

/** The rows of a split, and what was odd about them. */
export interface RenderedRows {
  readonly rows: RowStore
  readonly findings: RenderFindings
}

/** Renders a whole split into a store. Throws an InputError that names the row which the template cannot render. */
export async function renderRows(dataset: Dataset, split: Split, template: Template): Promise<RenderedRows> {
  const rows = new RowStore()
  const columns = new AnswerColumns(template)
  const emptyAnswers = new RowCounter()
  const emptyColumns = new Map<string, RowCounter>()
  try {
    for await (const row of dataset.read(split)) {
      const number = rowNumber(row, rows.count + 1)
      const spans = render(template, row, number)
      rows.add({ number, spans })
      if (hasEmptyAnswer(spans)) emptyAnswers.add(number)
      else for (const column of columns.emptyIn(row)) counterOf(emptyColumns, column).add(number)
    }
    return { rows, findings: { emptyAnswers, emptyColumns } }
  } catch (error) {
    rows.close()
    throw error
  }
}

function counterOf(counters: Map<string, RowCounter>, column: string): RowCounter {
  const counter = counters.get(column) ?? new RowCounter()
  counters.set(column, counter)
  return counter
}

function render(template: Template, row: Parameters<Template['render']>[0], number: number): readonly Span[] {
  try {
    return template.render(row)
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`row ${number} of the data set ${error.message}`)
    throw error
  }
}
