/** @file The program as a user starts it: a process of its own, from the sources. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What Node is started with to run `medtune` from the sources; the command's own arguments follow. */
export const MEDTUNE: readonly string[] = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
]

export interface Ended {
  readonly code: number | null
  /** What killed it, where it did not end by itself. */
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Execution {
  readonly cwd?: string
  /** Added to this process's own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What it reads from stdin; nothing if left out. */
  readonly input?: string
  /** Sees all of stderr so far, whenever more comes. */
  readonly watch?: ((stderr: string, child: ChildProcess) => void) | undefined
}

/** Runs a command to its end. */
export function execute(
  command: string,
  args: readonly string[],
  { cwd, env, input, watch }: Execution = {},
): Promise<Ended> {
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, NO_COLOR: '1', CI: '1', ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
    watch?.(stderr, child)
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs `medtune` from the sources to its end. */
export const medtuneIn = (args: readonly string[], options: Execution): Promise<Ended> =>
  execute(process.execPath, [...MEDTUNE, ...args], options)
