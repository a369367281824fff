/** @file Runs of the program that are killed at random moments and resumed to the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bits } from '../../src/util/random.ts'
import { smallProject } from '../run/project.ts'
import { MEMORY_DISK } from './temp.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The program from its sources, and as `npm run build` makes it, which starts faster. */
export const FROM_SOURCE = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  join(ROOT, 'src/cli/main.ts'),
]
export const BUILT = [join(ROOT, 'dist/src/cli/main.js')]

/** Every second step is saved, so that a good part of all moments lies within a save. */
const training = (
  steps: number,
): string => `train: { steps: ${steps}, batch_size: 1, accumulate: 2, max_length: 48, eval_every: 10 }
checkpoint: { every: 2, minutes: 0, keep: 2 }
eval: [loss]
`

export interface Cycle {
  readonly seed: number
  /** How often it was killed: once, or a second time while it went on. */
  readonly kills: number
  /** Kills that left a checkpoint half written. */
  readonly withinSave: number
  /** Whether the final adapter has the bytes of the undisturbed run's. */
  readonly same: boolean
}

export class KillHarness {
  private readonly program: readonly string[]
  private readonly project: string
  private readonly expected: string
  /** Milliseconds from the run's folder to its end, undisturbed. */
  private readonly span: number
  private runs = 0

  /** @param steps how long a run is */
  static async open(program: readonly string[], steps: number): Promise<KillHarness> {
    const project = await smallProject(MEMORY_DISK)
    const file = join(project, 'recipe.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.slice(0, text.indexOf('train:')) + training(steps))
    writeFileSync(file, readFileSync(file, 'utf8').replace('alpha: 8 }', 'alpha: 8, dropout: 0.1 }'))
    const harness = new KillHarness(program, project, '', 0)
    const runsDir = harness.newRunsDir()
    const child = harness.spawn(['run', 'recipe.yaml', '--runs-dir', runsDir])
    const folder = await folderIn(runsDir, child.ended)
    const began = performance.now()
    await child.finished()
    return new KillHarness(program, project, adapterOf(folder), performance.now() - began)
  }

  private constructor(program: readonly string[], project: string, expected: string, span: number) {
    this.program = program
    this.project = project
    this.expected = expected
    this.span = span
  }

  /** One run killed at a moment drawn from `seed`; in one case of four what goes on is killed too. */
  async cycle(seed: number): Promise<Cycle> {
    const draw = (i: number): number => bits(seed, 1, i) / 2 ** 32
    let kills = 0
    let withinSave = 0
    const kill = async (child: Child, folder: string, after: number): Promise<void> => {
      await Promise.race([sleep(after), child.ended])
      if (!child.kill()) return
      await child.ended
      kills++
      if (halfWritten(folder)) withinSave++
    }
    const runsDir = this.newRunsDir()
    const child = this.spawn(['run', 'recipe.yaml', '--runs-dir', runsDir])
    const folder = await folderIn(runsDir, child.ended)
    await kill(child, folder, draw(0) * this.span)
    if (kills > 0 && draw(1) < 0.25) {
      const before = resumes(folder)
      const next = this.spawn(['resume', folder])
      await until(() => resumes(folder) > before, next.ended)
      await kill(next, folder, draw(2) * this.span)
    }
    if (!isDone(folder)) await this.spawn(['resume', folder]).finished()
    const same = adapterOf(folder) === this.expected
    if (same) rmSync(runsDir, { recursive: true })
    return { seed, kills, withinSave, same }
  }

  private newRunsDir(): string {
    const runsDir = join(this.project, `killed-${this.span === 0 ? 'never' : this.runs++}`)
    mkdirSync(runsDir)
    return runsDir
  }

  private spawn(args: readonly string[]): Child {
    return new Child(
      spawn(process.execPath, [...this.program, ...args], {
        cwd: this.project,
        env: { ...process.env, NO_COLOR: '1', CI: '1' },
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    )
  }
}

class Child {
  /** Settles when the process is gone. */
  readonly ended: Promise<number | null>
  private readonly child: ChildProcess
  private gone = false
  private stderr = ''

  constructor(child: ChildProcess) {
    this.child = child
    child.stderr!.on('data', (data) => {
      this.stderr += data
    })
    this.ended = new Promise((resolve) =>
      child.on('close', (code) => {
        this.gone = true
        resolve(code)
      }),
    )
  }

  /** Whether there was something to kill. */
  kill(): boolean {
    return !this.gone && this.child.kill('SIGKILL')
  }

  /** @throws where it ends with anything but 0 */
  async finished(): Promise<void> {
    const code = await this.ended
    if (code !== 0) throw new Error(`ended with ${code}: ${this.stderr}`)
  }
}

/** The run's folder as soon as it can be resumed. */
async function folderIn(runsDir: string, ended: Promise<unknown>): Promise<string> {
  const path = () => readdirSync(runsDir).map((name) => join(runsDir, name))[0]
  await until(() => path() !== undefined && existsSync(join(path()!, 'resolved.json')), ended)
  const folder = path()
  if (folder === undefined) throw new Error('the run ended before it had a folder')
  return folder
}

/** Waits for a condition, or for the end of what could bring it about. */
async function until(condition: () => boolean, ended: Promise<unknown>): Promise<void> {
  let over = false
  void ended.then(() => {
    over = true
  })
  while (!condition() && !over) await sleep(2)
}

/** How often a run was gone on with. */
function resumes(folder: string): number {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).resumed?.length ?? 0
}

function halfWritten(folder: string): boolean {
  return readdirSync(join(folder, 'checkpoints')).some((name) => name.endsWith('.tmp'))
}

function isDone(folder: string): boolean {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).status === 'done'
}

function adapterOf(folder: string): string {
  return readFileSync(join(folder, 'adapter/adapter_model.safetensors')).toString('base64')
}
