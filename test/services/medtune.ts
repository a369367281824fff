/** @file Starts the compiled program as a user would, and kills it as a power cut would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'

export const PROGRAM = path.resolve(import.meta.dirname, '../../dist/src/cli/main.js')

export interface Started {
  readonly child: ChildProcess
  /** Everything printed so far, both streams. */
  readonly text: () => string
  /** Exit code; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>
}

export function medtune(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run "npm run build" first`)
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', MEDTUNE_CACHE: path.join(cwd, 'cache'), ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      text += data
    })
  const ended = new Promise<number | undefined>((resolve) =>
    child.on('close', (code) => resolve(code ?? undefined)),
  )
  return { child, text: () => text, ended }
}

/** The one sweep folder below `runs`; undefined before there is one. */
export function sweepFolder(runs: string): string | undefined {
  const names = existsSync(runs) ? readdirSync(runs) : []
  const name = names.find((one) => existsSync(path.join(runs, one, 'sweep.jsonl')))
  return name === undefined ? undefined : path.join(runs, name)
}
