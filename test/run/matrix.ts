/**
 * @file Runs that are stopped at a chosen micro-batch or step and gone on with, beside the same run undisturbed: what
 * they trained on, in which order, to which bits.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { Program } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { resume, run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { MEMORY_DISK } from '../helpers/temp.ts'
import { smallProject } from './project.ts'

export interface Setting {
  readonly pack: boolean
  readonly shuffle: boolean
  readonly dropout: boolean
  readonly evaluate: boolean
}

export const SETTINGS: readonly Setting[] = [true, false].flatMap((pack) =>
  [true, false].flatMap((shuffle) =>
    [true, false].flatMap((dropout) =>
      [true, false].map((evaluate) => ({ pack, shuffle, dropout, evaluate })),
    ),
  ),
)

export const PLACES = [
  'before the first step',
  'within an accumulation window',
  'one step before the end of an epoch',
  'at the end of an epoch',
  'twice within one epoch',
  'at the last step',
] as const
export type Place = (typeof PLACES)[number]

/** Stops a run: when its n-th training micro-batch begins, or behind a step. */
interface Stop {
  readonly micro?: number
  readonly step?: number
}

/** What a run did, as far as another must have done the same. */
interface Trace {
  /** The tokens of each training micro-batch, in order. */
  readonly batches: readonly string[]
  /** Loss, gradient norm and rate of each step, every bit of them. */
  readonly steps: readonly unknown[]
  readonly evaluations: readonly unknown[]
  readonly adapter: string
  readonly optimizer: string
  readonly parameters: string
}

/** Micro-batches of a step. */
const ACCUMULATE = 2

/** The overrides of a setting: two epochs of five steps (packed) or ten. */
function overridesOf({ pack, shuffle, dropout, evaluate }: Setting): readonly string[] {
  return [
    `train.pack=${pack}`,
    `train.shuffle=${shuffle}`,
    `adapter.dropout=${dropout ? 0.2 : 0}`,
    ...(evaluate ? ['train.eval_every=2', 'eval=[loss]'] : ['eval=[]']),
    'adapter.targets=[q_proj, v_proj]',
    'checkpoint.minutes=0',
  ]
}

/** Notes what the executors of this process train on; `onMicro` hears of each micro-batch as it begins. */
class Watch {
  readonly batches: string[] = []
  onMicro: (count: number) => void = () => {}

  constructor() {
    const compile = OnnxExecutor.prototype.compile
    const watch = this
    vi.spyOn(OnnxExecutor.prototype, 'compile').mockImplementation(async function (
      this: OnnxExecutor,
      program: Program,
    ) {
      const compiled = await compile.call(this, program)
      return {
        run(feeds, dims, accumulate) {
          if (accumulate) {
            watch.batches.push(Buffer.from((feeds.ids as Int32Array).slice().buffer).toString('base64'))
            watch.onMicro(watch.batches.length)
          }
          return compiled.run(feeds, dims, accumulate)
        },
      }
    })
  }
}

export class Matrix {
  private readonly project: string
  private readonly watch = new Watch()
  private readonly whole = new Map<string, { readonly trace: Trace; readonly folder: string }>()
  private count = 0

  private constructor(project: string) {
    this.project = project
  }

  static async open(): Promise<Matrix> {
    const project = await smallProject(MEMORY_DISK)
    const file = join(project, 'recipe.yaml')
    const train = 'train: { epochs: 2, batch_size: 1, accumulate: 2, max_length: 48 }'
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^train:.*$/m, train))
    return new Matrix(project)
  }

  /** Interrupts a run at a place, resumes it, and compares everything with the undisturbed run. */
  async check(setting: Setting, place: Place): Promise<void> {
    const { trace, folder } = await this.undisturbed(setting)
    const stops = stopsAt(place, folder)
    const interrupted = await this.interrupted(setting, stops)
    // Micro-batches of a step that was not finished were computed twice: once in vain.
    const kept = interrupted.batches.filter((_, i) => !interrupted.inVain.has(i))
    expect(kept).toEqual(trace.batches)
    const { batches: _, inVain: __, ...rest } = interrupted
    const { batches: ___, ...expected } = trace
    expect(rest).toEqual(expected)
  }

  private async undisturbed(setting: Setting): Promise<{ readonly trace: Trace; readonly folder: string }> {
    const key = JSON.stringify(setting)
    const known = this.whole.get(key)
    if (known) return known
    const before = this.watch.batches.length
    const folder = await this.start(setting)
    const found = { trace: traceOf(folder, this.watch.batches.slice(before)), folder }
    // That something was watched is what makes it a test.
    expect(new Set(found.trace.batches).size).toBeGreaterThan(5)
    this.whole.set(key, found)
    return found
  }

  private async interrupted(
    setting: Setting,
    stops: readonly Stop[],
  ): Promise<Trace & { readonly inVain: ReadonlySet<number> }> {
    const before = this.watch.batches.length
    const inVain = new Set<number>()
    let folder = ''
    for (const [i, stop] of stops.entries()) {
      folder = i === 0 ? await this.start(setting, stop) : await this.goOn(folder, stop)
      const ran = this.watch.batches.length - before
      // It was the first of its step, which was not finished.
      if (stop.micro !== undefined) inVain.add(ran - 1)
    }
    folder = await this.goOn(folder)
    const trace = traceOf(folder, this.watch.batches.slice(before))
    rmSync(folder, { recursive: true })
    return { ...trace, inVain }
  }

  private async start(setting: Setting, stop?: Stop): Promise<string> {
    const runsDir = join(this.project, `runs-${this.count++}`)
    mkdirSync(runsDir)
    const resolved = await loadRecipe(join(this.project, 'recipe.yaml'), overridesOf(setting))
    await this.until(stop, (options) => run(resolved, { runsDir, ...options }))
    return join(runsDir, readdirSync(runsDir)[0]!)
  }

  private async goOn(folder: string, stop?: Stop): Promise<string> {
    await this.until(stop, (options) => resume(folder, [], options))
    return folder
  }

  private async until(
    stop: Stop | undefined,
    work: (options: Parameters<typeof resume>[2]) => Promise<unknown>,
  ): Promise<void> {
    const controller = new AbortController()
    const base = this.watch.batches.length
    const abort = () => controller.abort(new Stopped('test'))
    this.watch.onMicro = (count) => {
      if (count - base === stop?.micro) abort()
    }
    const done = work({
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === stop?.step) abort()
      },
    })
    if (stop) await expect(done).rejects.toThrow(Stopped)
    else await done
  }
}

/** Where to stop, from what the undisturbed run did. */
function stopsAt(place: Place, folder: string): readonly Stop[] {
  const steps = eventsOf(folder, 'step') as { step: number; epoch: number }[]
  const end = steps.filter(({ epoch }) => epoch === 1).at(-1)!.step
  const last = steps.at(-1)!.step
  switch (place) {
    case 'before the first step':
      return [{ micro: 1 }]
    case 'within an accumulation window':
      return [{ micro: ACCUMULATE + 1 }]
    case 'one step before the end of an epoch':
      return [{ step: end - 1 }]
    case 'at the end of an epoch':
      return [{ step: end }]
    case 'twice within one epoch':
      return [{ step: end + 1 }, { step: end + 3 }]
    case 'at the last step':
      return [{ step: last }]
    default:
      return place satisfies never
  }
}

function eventsOf(folder: string, type: string): Record<string, unknown>[] {
  return readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((event) => event.type === type)
}

function traceOf(folder: string, batches: readonly string[]): Trace {
  const plain = (type: string) => eventsOf(folder, type).map(({ time: _, seconds: __, ...rest }) => rest)
  const last = eventsOf(folder, 'checkpoint').at(-1)!.path as string
  const bytes = (name: string) => readFileSync(join(folder, name)).toString('base64')
  return {
    batches,
    steps: plain('step'),
    evaluations: plain('eval'),
    adapter: bytes('adapter/adapter_model.safetensors'),
    optimizer: bytes(join(last, 'optimizer.safetensors')),
    parameters: bytes(join(last, 'parameters.safetensors')),
  }
}
