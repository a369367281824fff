/** @file The reference's side: a Python environment with pinned versions, and its scripts run in it. */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Runs a program to its end. Rejects with the last of its output where it fails. */
async function runProgram(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-4000)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}:\n${tail}`)
}

/** Makes the environment in `folder` unless it is there; returns its Python. */
export async function pythonEnvironment(folder: string, requirements: string): Promise<string> {
  const python = join(folder, 'bin', 'python')
  const ready = join(folder, 'requirements.txt')
  if (existsSync(ready)) return python
  mkdirSync(folder, { recursive: true })
  await runProgram('python3', ['-m', 'venv', folder])
  // An index that does not answer would otherwise be asked for minutes.
  await runProgram(python, ['-m', 'pip', 'install', '--quiet', '--retries', '0', '-r', requirements])
  copyFileSync(requirements, ready)
  return python
}

export function runPython(python: string, script: string, args: readonly (string | number)[]): Promise<void> {
  return runProgram(python, [script, ...args.map(String)])
}
