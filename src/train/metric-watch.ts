/** @file Picks one metric out of what is measured while training goes on. */

export interface Measured {
  readonly value: number
  readonly better: 'higher' | 'lower'
}

/** What one measurement gave. */
export interface Measurement {
  readonly scores: Readonly<Record<string, number>>
  /** Name of the headline score among them, and which end of it is better. */
  readonly metric: string
  readonly better: 'higher' | 'lower'
}

/** The name of a metric in two parts: what is measured, and which of its scores; undefined for its headline. */
export function splitMetric(metric: string): readonly [name: string, score: string | undefined] {
  const dot = metric.indexOf('.')
  return dot < 0 ? [metric, undefined] : [metric.slice(0, dot), metric.slice(dot + 1)]
}

export class MetricWatch {
  private readonly name: string
  private readonly score: string | undefined
  private last: (Measured & { readonly step: number }) | undefined

  /** @param metric such as `holdout.loss` or `qa` */
  constructor(metric: string) {
    ;[this.name, this.score] = splitMetric(metric)
  }

  /** @throws Error where the measurement has no such score */
  note(name: string, step: number, { scores, metric, better }: Measurement): void {
    if (name !== this.name) return
    const value = scores[this.score ?? metric]
    if (value === undefined)
      throw new Error(`"${name}" has no score "${this.score}"; it has: ${Object.keys(scores).join(', ')}`)
    this.last = { step, value, better }
  }

  /** The metric, where it was measured at this step. */
  at(step: number): Measured | undefined {
    return this.last?.step === step ? this.last : undefined
  }
}
