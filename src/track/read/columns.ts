/**
 * @file The events of a run as columns of numbers: one table of steps, one an evaluation, one of system
 * figures. Any number of a step is a column, so that what a newer version records is shown too.
 */

import { isObject, type JsonObject } from '../../util/json-object.ts'
import { toNumber } from '../json.ts'
import { StepForm } from './step-form.ts'

/** Most marks and most columns of a table that are kept; a run that has more is not worth drawing. */
const MOST_MARKS = 5000
const MOST_COLUMNS = 200
const MOST_TABLES = 100
const LONGEST_TEXT = 2000

/** Something that happened at a step, drawn on a chart or listed. */
export interface Mark {
  readonly type: string
  readonly time: number
  readonly step: number
  readonly text: string
}

/** Smallest, largest and last finite value of a column, and how many are not finite. */
export interface Summary {
  readonly min: number
  readonly max: number
  readonly last: number
  readonly first: number
  /** Values that are NaN or infinite. */
  readonly odd: number
}

/** Numbers of one kind of event: [rows] of each column. Every table has `time` (ms since 1970) and `step`. */
export class Table {
  readonly columns = new Map<string, Float64Array>()
  length = 0
  private room = 64

  /** Begins a row; a column that is not set in it is NaN there. */
  begin(time: number, step: number): void {
    if (this.length === this.room) this.grow()
    this.length++
    this.set('time', time)
    this.set('step', step)
  }

  /** A value of the last row. */
  set(name: string, value: number): void {
    this.column(name)[this.length - 1] = value
  }

  /** All numbers of an event, as values of the last row. */
  setAll(event: JsonObject): void {
    for (const key of Object.keys(event)) {
      const value = event[key]
      if (key === 'step' || key === 'time') continue
      const number = typeof value === 'number' ? value : toNumber(value)
      if (number !== undefined) this.set(key, number)
    }
  }

  /** Takes back the rows at and behind `step`: a run that was resumed goes over them again. */
  rewind(step: number): void {
    const steps = this.columns.get('step')
    const before = this.length
    while (steps && this.length > 0 && steps[this.length - 1]! >= step) this.length--
    // A row that lacks a column must not find there what the row before it had.
    if (this.length < before)
      for (const column of this.columns.values()) column.fill(Number.NaN, this.length, before)
  }

  values(name: string): Float64Array | undefined {
    return this.columns.get(name)?.subarray(0, this.length)
  }

  private column(name: string): Float64Array {
    let column = this.columns.get(name)
    if (!column) {
      if (this.columns.size >= MOST_COLUMNS) return new Float64Array(this.room)
      column = new Float64Array(this.room).fill(Number.NaN)
      this.columns.set(name, column)
    }
    return column
  }

  private grow(): void {
    this.room *= 2
    for (const [name, old] of this.columns) {
      const grown = new Float64Array(this.room).fill(Number.NaN)
      grown.set(old)
      this.columns.set(name, grown)
    }
  }
}

/** What the stream of a run says so far. */
export class Columns {
  readonly tables = new Map<string, Table>([['step', new Table()]])
  readonly marks: Mark[] = []
  /** Lines that were no event. */
  bad = 0
  private tokens = 0
  private form: StepForm | undefined

  /** Takes one line of events.jsonl: bytes `from` to `to`. */
  readonly takeBytes = (bytes: Buffer, from: number, to: number): void => {
    if (this.form?.read(bytes, from, to)) this.stepOfForm(this.form)
    else this.take(bytes.toString('utf8', from, to))
  }

  /** Takes one line of events.jsonl. */
  take(line: string): void {
    if (line === '') return
    let event: unknown
    try {
      event = JSON.parse(line)
    } catch {
      this.bad++
      return
    }
    if (!isObject(event) || typeof event.type !== 'string') this.bad++
    else {
      this.event(event.type, event)
      if (event.type === 'step') this.form = StepForm.of(line) ?? this.form
    }
  }

  private event(type: string, event: JsonObject): void {
    const time = typeof event.time === 'string' ? Date.parse(event.time) : Number.NaN
    const step = toNumber(event.step) ?? Number.NaN
    if (type === 'step') this.step(time, step, event)
    else if (type === 'eval') this.scores(time, step, event)
    else if (type === 'system') this.row('system', time, this.stepOr(step), event)
    else this.mark(type, time, this.stepOr(step), event)
  }

  private step(time: number, step: number, event: JsonObject): void {
    this.beginStep(time, step, toNumber(event.tokens), toNumber(event.seconds))?.setAll(event)
  }

  private stepOfForm({ time, names, values }: StepForm): void {
    const named = (name: string): number | undefined => values[names.indexOf(name)]
    const table = this.beginStep(time, named('step')!, named('tokens'), named('seconds'))
    for (let i = 0; i < names.length; i++) if (names[i] !== 'step') table?.set(names[i]!, values[i]!)
  }

  /** A new row of the table of steps, with what follows from these figures; undefined where the step is no number. */
  private beginStep(
    time: number,
    step: number,
    tokens: number | undefined,
    seconds: number | undefined,
  ): Table | undefined {
    if (!Number.isFinite(step)) {
      this.bad++
      return undefined
    }
    const table = this.tables.get('step')!
    const before = table.length
    table.rewind(step)
    if (table.length < before) this.resumed(table, step)
    this.tokens += tokens ?? 0
    table.begin(time, step)
    table.set('tokens_seen', this.tokens)
    if (tokens !== undefined && seconds !== undefined && seconds > 0) {
      table.set('tokens_per_second', tokens / seconds)
    }
    return table
  }

  /** Steps from `step` on come again, so what was counted and scored in the first go does not stand. */
  private resumed(table: Table, step: number): void {
    this.tokens = table.values('tokens_seen')?.at(-1) ?? 0
    for (const [name, other] of this.tables) if (name.startsWith('eval.')) other.rewind(step)
  }

  private scores(time: number, step: number, event: JsonObject): void {
    if (!isObject(event.scores) || typeof event.name !== 'string') this.bad++
    else this.row(`eval.${event.name}`, time, this.stepOr(step), event.scores)
  }

  private row(name: string, time: number, step: number, values: JsonObject): void {
    let table = this.tables.get(name)
    if (!table) {
      if (this.tables.size >= MOST_TABLES) return
      table = new Table()
      this.tables.set(name, table)
    }
    table.begin(time, step)
    table.setAll(values)
  }

  private mark(type: string, time: number, step: number, event: JsonObject): void {
    if (this.marks.length >= MOST_MARKS) return
    const text = ['message', 'reason', 'path', 'text', 'status'].map((key) => event[key]).find(isText) ?? ''
    const code = isText(event.code) ? `${event.code}: ` : ''
    this.marks.push({ type, time, step, text: (code + text).slice(0, LONGEST_TEXT) })
  }

  /** Events without a step of their own stand where the run was. */
  private stepOr(step: number): number {
    return Number.isFinite(step) ? step : (this.tables.get('step')!.values('step')?.at(-1) ?? 0)
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'

export function summarise(values: Float64Array): Summary {
  let [min, max, last, first] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, Number.NaN]
  let odd = 0
  for (const value of values) {
    if (!Number.isFinite(value)) {
      odd++
      continue
    }
    if (Number.isNaN(first)) first = value
    if (value < min) min = value
    if (value > max) max = value
    last = value
  }
  const none = Number.isNaN(first)
  return { min: none ? Number.NaN : min, max: none ? Number.NaN : max, last, first, odd }
}
