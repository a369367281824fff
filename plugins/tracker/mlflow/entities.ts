/** @file A run's events in MLflow's words: metrics with a step, parameters, tags. */
import type { RunEvent } from 'medtune/plugin'
import { cleanKey, cut, MAX } from './limits.ts'
import type { KeyValue, Metric } from './rest.ts'

/** What happens to NaN and infinities, which break pages and stores of several MLflow versions. */
export type NanPolicy = 'skip' | 'string'

/** Figures of a step that are worth a curve. */
const STEP_FIGURES = ['loss', 'grad_norm', 'lr', 'tokens', 'label_tokens', 'seconds', 'epoch'] as const

export interface Figures {
  readonly step: number
  readonly time: number
  /** Key -> value; NaN and infinities are numbers here. */
  readonly values: ReadonlyMap<string, number>
}

/** The figures of an event; undefined where it has none. */
export function figuresOf(event: RunEvent): Figures | undefined {
  const time = Date.parse(event.time)
  if (event.type === 'step') {
    const values = STEP_FIGURES.map((key) => [`train/${key}`, number(event[key])] as const)
    return { step: event.step, time, values: new Map(values) }
  }
  if (event.type !== 'eval') return undefined
  const values = Object.entries(event.scores).map(
    ([score, value]) => [cleanKey(`eval/${event.name}/${score}`), number(value)] as const,
  )
  return { step: event.step, time, values: new Map(values) }
}

/** Records write NaN and infinities by name. */
const number = (value: unknown): number => (typeof value === 'number' ? value : Number(value))

/**
 * The metrics of an event. A value that is no finite number is sent by name, or left out and counted in
 * `nan_count/<key>`.
 * @param counts how many of each key were left out so far; added to
 */
export function metricsOf(
  { step, time, values }: Figures,
  nan: NanPolicy,
  counts: Map<string, number>,
): Metric[] {
  return [...values].map(([key, value]) => {
    if (Number.isFinite(value)) return { key, value, timestamp: time, step }
    if (nan === 'string') return { key, value: String(value), timestamp: time, step }
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return { key: cleanKey(`nan_count/${key}`), value: count, timestamp: time, step }
  })
}

/** The leaves of a recipe as parameters: `adapter.rank` -> `8`; a list is one value, as JSON. */
export function paramsOf(recipe: Readonly<Record<string, unknown>>): KeyValue[] {
  const params = new Map<string, string>()
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, item] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, item)
    } else if (value !== undefined) {
      params.set(cleanKey(path), cut(typeof value === 'string' ? value : JSON.stringify(value), MAX.param))
    }
  }
  walk('', recipe)
  return [...params].map(([key, value]) => ({ key, value }))
}
