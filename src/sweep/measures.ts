/** @file What a run measures, under the names that sweeps use: from its events, and from its report at the end. */
import type { RunEvent } from '../plugin/contract.ts'
import { toNumber } from '../track/json.ts'
import type { Report, TrialResult, TrialSheet } from './board.ts'

/** The training loss is noisy: it is reported as the mean of so many steps. */
const WINDOW = 10

export class Measures {
  /** The last optimizer step. */
  step = 0
  private readonly sheet: Pick<TrialSheet, 'watch' | 'metric'>
  private readonly last: Record<string, number> = {}
  private best: number | undefined
  private reported = 0
  private readonly losses: number[] = []

  constructor(sheet: Pick<TrialSheet, 'watch' | 'metric'>) {
    this.sheet = sheet
  }

  /** Takes an event in; returns what is to be reported of it. */
  take(event: RunEvent): readonly Report[] {
    if (event.type === 'step') return this.takeStep(event.step, event.loss)
    // The base model is scored at step 0: nothing that a trial changed.
    if (event.type !== 'eval' || event.step === 0) return []
    return Object.entries(event.scores).flatMap(([score, value]) =>
      this.measure(`${event.name}.${score}`, event.step, Number(value)),
    )
  }

  /** Adds the headline and all scores of each evaluation of the tuned model, and what training came to. */
  takeReport(report: object): void {
    const {
      train,
      seconds,
      eval: evaluations,
    } = report as {
      readonly train?: Readonly<Record<string, unknown>>
      readonly seconds?: unknown
      readonly eval?: Readonly<Record<string, { readonly metric: string; readonly tuned: object }>>
    }
    this.add('seconds', seconds)
    for (const [name, value] of Object.entries(train ?? {})) this.add(`train.${name}`, value)
    this.add('train.loss', train?.loss_last)
    for (const [name, { metric, tuned }] of Object.entries(evaluations ?? {})) {
      for (const [score, value] of Object.entries(tuned)) this.add(`${name}.${score}`, value)
      this.add(name, (tuned as Record<string, unknown>)[metric])
    }
    const own = this.last[this.sheet.metric.name]
    if (own !== undefined) this.remember(this.sheet.metric.name, own)
  }

  /** All last values, and the one that the trial is chosen by. */
  result(): Pick<TrialResult, 'metrics' | 'value'> {
    const { name, take } = this.sheet.metric
    const value = take === 'best' ? this.best : this.last[name]
    return { metrics: { ...this.last }, ...(value === undefined ? {} : { value }) }
  }

  private takeStep(step: number, loss: number): readonly Report[] {
    this.step = step
    this.losses.push(loss)
    if (this.losses.length < WINDOW) return []
    const mean = this.losses.reduce((total, value) => total + value, 0) / this.losses.length
    this.losses.length = 0
    return this.measure('train.loss', step, mean)
  }

  private measure(name: string, step: number, value: number): readonly Report[] {
    this.last[name] = value
    this.remember(name, value)
    if (name !== this.sheet.watch || step <= this.reported) return []
    this.reported = step
    return [{ step, value }]
  }

  private remember(name: string, value: number): void {
    const { metric } = this.sheet
    if (name !== metric.name || Number.isNaN(value)) return
    const pick = metric.goal === 'minimize' ? Math.min : Math.max
    this.best = this.best === undefined ? value : pick(this.best, value)
  }

  private add(name: string, value: unknown): void {
    const number = toNumber(value)
    if (number !== undefined) this.last[name] = number
  }
}
