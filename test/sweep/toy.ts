/** @file A sweep over toy trials: its journal, and executors that run them in this process or in others. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { JobState, Pruner, Sampler, Space, TrialExecutor, TrialJob } from '../../src/plugin/contract.ts'
import { readSheet } from '../../src/sweep/board.ts'
import { type Coordination, Coordinator, type Limits } from '../../src/sweep/coordinator.ts'
import { LocalExecutor } from '../../src/sweep/executors/local.ts'
import { Journal } from '../../src/sweep/journal.ts'
import { grid } from '../../src/sweep/samplers/grid.ts'
import { runAttempt } from '../../src/sweep/trial.ts'
import { readSweep, type SweepEvent, type SweepHeader } from '../../src/track/sweep-journal.ts'
import { tempFolder } from '../helpers/temp.ts'
import { toyRun } from './toy-trial.ts'

export const TOY_COMMAND = [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  path.join(import.meta.dirname, 'toy-trial.ts'),
]

/** Values of x and, where given, how each trial behaves. */
export function toySpace(xs: readonly number[], hows: readonly string[] = ['done']): Space {
  return [
    { path: 'x', distribution: { kind: 'categorical', values: xs }, when: [] },
    { path: 'how', distribution: { kind: 'categorical', values: hows }, when: [] },
  ]
}

/** Runs trials in this very process: cheap, and as real as a file that says so. */
export class InProcess implements TrialExecutor {
  readonly submitted: string[] = []
  private readonly running = new Set<string>()

  async submit(jobs: readonly TrialJob[]): Promise<void> {
    for (const { id, file } of jobs) {
      this.submitted.push(id)
      this.running.add(id)
      const sheet = readSheet(file)
      void runAttempt(file, sheet, {}, (run) => toyRun(sheet, run)).finally(() => this.running.delete(id))
    }
  }

  async poll(jobs: readonly TrialJob[]): Promise<ReadonlyMap<string, JobState>> {
    return new Map(jobs.map(({ id }) => [id, this.running.has(id) ? 'running' : 'gone']))
  }

  async cancel(): Promise<void> {}
  async logs(): Promise<string> {
    return ''
  }
  async close(): Promise<void> {}
}

export interface Toy {
  readonly folder?: string
  readonly space: Space
  readonly sampler?: Sampler
  readonly pruner?: Pruner
  readonly executor?: TrialExecutor
  readonly limits?: Partial<Limits>
  readonly metric?: Partial<SweepHeader['metric']>
  readonly signal?: AbortSignal
  readonly onEvent?: (event: SweepEvent) => void
}

export const LIMITS: Limits = { workers: 2, retries: 0, lease: 5 }

/** Begins a toy sweep, or goes on with the one in `folder`, and runs it to its end. */
export async function runToy(toy: Toy) {
  const folder = toy.folder ?? toyFolder()
  const header: SweepHeader = {
    type: 'sweep',
    time: new Date().toISOString(),
    version: 1,
    id: 'cafe0123',
    name: 'toy',
    file: path.join(folder, 's.yaml'),
    recipe: { file: 'none.yaml', hash: '' },
    watch: 'holdout.loss',
    metric: { name: 'holdout.loss', goal: 'minimize', take: 'last', ...toy.metric },
    space: toy.space,
    spec: {},
    medtune: '0.0.0',
  }
  const journal = toy.folder
    ? Journal.resume(folder, readSweep(folder), toy.onEvent)
    : Journal.create(folder, header, toy.onEvent)
  if (toy.folder) journal.append({ type: 'resume', changes: {} })
  const coordination: Coordination = {
    folder,
    journal,
    seed: 1,
    cwd: folder,
    poll: 10,
    medtune: TOY_COMMAND,
    executorName: 'toy',
    sampler: toy.sampler ?? grid,
    pruner: toy.pruner ?? { prune: () => undefined },
    executor: toy.executor ?? new InProcess(),
    limits: { ...LIMITS, trials: (toy.sampler ?? grid).size?.(toy.space) ?? 10, ...toy.limits },
    ...(toy.signal ? { signal: toy.signal } : {}),
  }
  const outcome = await new Coordinator(coordination).run()
  journal.close()
  return { folder, outcome, ...readSweep(folder) }
}

export function toyFolder(): string {
  const folder = tempFolder()
  for (const part of ['trials', 'runs']) mkdirSync(path.join(folder, part))
  return folder
}

export function localExecutor(folder: string, workers = 2): LocalExecutor {
  const site = { sweep: 'cafe0123', folder, workers, lease: 5, adaptive: false, medtune: TOY_COMMAND }
  return new LocalExecutor({ cpus: 0, gpus: [] }, site)
}

export const here = (file: string): string => pathToFileURL(file).href
