/** @file READ FIRST. What tells runs apart, and what came of it: the comparison that every view shows. Pure. */
import type { Scalar } from '../read/flatten.ts'
import type { RunRow } from '../read/run-row.ts'
import { compareEvaluations, type EvalTable, type RunItems } from './evaluations.ts'
import { type SampleTable, sampleTables } from './samples.ts'

/** One key, a value a run: null where a run lacks it. */
export interface DiffRow {
  readonly key: string
  readonly values: readonly (Scalar | null)[]
}

export interface Comparison {
  /** The first one is what the others are compared with. */
  readonly runs: readonly Pick<
    RunRow,
    'id' | 'name' | 'status' | 'reason' | 'started' | 'step' | 'problems'
  >[]
  /** Settings that are not the same in all runs. */
  readonly recipe: readonly DiffRow[]
  /** What else is not the same: rows that were read, versions and code, the machine. */
  readonly data: readonly DiffRow[]
  readonly versions: readonly DiffRow[]
  readonly machine: readonly DiffRow[]
  readonly figures: readonly { readonly key: string; readonly values: readonly (number | null)[] }[]
  readonly evaluations: readonly EvalTable[]
  readonly samples: readonly SampleTable[]
}

/** @param samples at most so many items of each evaluation, those first that the runs answer differently */
export async function compareRows(runs: readonly RunItems[], samples: number): Promise<Comparison> {
  const rows = runs.map(({ row }) => row)
  const about = differences(rows.map((row) => row.about)).filter(({ key }) => !IDENTITY.has(key))
  const evaluations = await compareEvaluations(runs)
  return {
    runs: rows.map(({ id, name, status, reason, started, step, problems }) => ({
      id,
      name,
      status,
      step,
      problems,
      ...(reason ? { reason } : {}),
      ...(started ? { started } : {}),
    })),
    recipe: differences(rows.map((row) => row.config)),
    data: about.filter(({ key }) => DATA.test(key)),
    machine: about.filter(({ key }) => MACHINE.test(key)),
    versions: about.filter(({ key }) => !DATA.test(key) && !MACHINE.test(key)),
    figures: figuresOf(rows),
    evaluations,
    samples: await sampleTables(evaluations, runs, samples),
  }
}

/** Says that recipes differ, which the settings say better. */
const IDENTITY = new Set(['hash', 'overrides'])
const DATA = /^(census|inputs|rows)\b/
const MACHINE = /^(host$|threads$|hardware\.(?!node))/

/** Keys whose value is not the same in all records, in the order in which they are met. */
export function differences(records: readonly Readonly<Record<string, Scalar>>[]): DiffRow[] {
  const keys = [...new Set(records.flatMap((record) => Object.keys(record)))]
  return keys
    .map((key) => ({
      key,
      values: records.map((record) => (Object.hasOwn(record, key) ? record[key]! : null)),
    }))
    .filter(({ values }) => values.some((value) => value !== values[0]))
}

/** Figures worth a line: where training came to, how fast and how large. */
const SHOWN = [
  'loss',
  'loss.min',
  'grad_norm',
  'tokens_per_second',
  'tokens',
  'seconds',
  'peak_rss_bytes',
  'trainable',
]

function figuresOf(rows: readonly RunRow[]): Comparison['figures'] {
  return SHOWN.map((key) => ({ key, values: rows.map(({ figures }) => figures[key] ?? null) })).filter(
    ({ values }) => values.some((value) => value !== null),
  )
}
