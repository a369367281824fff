/** @file The reference's side: a Python environment with pinned versions, and its scripts run in it. */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The reference cannot run on this machine, which says nothing of the numbers. */
export class NoReference extends Error {
  override readonly name = 'NoReference'
}

/** An index that does not answer would otherwise be asked for minutes. */
const INSTALL = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0'] as const

export interface Reference {
  /** Runs a script of test/reference to its end; returns what it wrote to stdout. */
  run(script: string, args: readonly (string | number)[]): Promise<string>
}

/** Uses the Python of `venv` as it is, or makes an environment in `folder` from `requirements`. @throws NoReference */
export async function openReference(
  venv: string | undefined,
  folder: string,
  requirements: string,
  note: (text: string) => void,
): Promise<Reference> {
  const python = await pythonOf(venv ?? folder, requirements, venv === undefined, note)
  await checkVersions(python, requirements)
  return { run: (script, args) => runProgram(python, [script, ...args.map(String)]) }
}

/**
 * Adds packages that are better to have but not needed, without what they ask for, to an environment made here.
 * @returns whether they are there now
 */
export async function addTo(folder: string, requirements: string): Promise<boolean> {
  return runProgram(interpreter(folder), [...INSTALL, '--no-deps', '-r', requirements]).then(
    () => true,
    () => false,
  )
}

const interpreter = (folder: string): string =>
  join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')

async function pythonOf(
  folder: string,
  requirements: string,
  make: boolean,
  note: (text: string) => void,
): Promise<string> {
  const python = interpreter(folder)
  if (!make) {
    if (existsSync(python)) return python
    throw new NoReference(`${folder} is no Python environment: it has no ${python}`)
  }
  const stamp = join(folder, 'requirements.txt')
  const pinned = readFileSync(requirements, 'utf8')
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === pinned) return python
  note(`reference: making a Python environment in ${folder} (about 2 GB; --venv uses one that you have)`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    await runProgram('python3', ['-m', 'venv', folder])
  } catch (error) {
    throw new NoReference(
      `Python 3 with its venv module is needed (Debian: apt install python3-venv): ${lastLine(error)}`,
    )
  }
  try {
    await runProgram(python, [...INSTALL, '-r', requirements])
  } catch (error) {
    throw new NoReference(
      `the packages of ${requirements} cannot be installed; with an environment that has them, use --venv FOLDER. pip says: ${lastLine(error)}`,
    )
  }
  copyFileSync(requirements, stamp)
  return python
}

/** Other versions have other numbers. A local label such as +cpu does not count. */
async function checkVersions(python: string, requirements: string): Promise<void> {
  const pinned = readFileSync(requirements, 'utf8')
    .split('\n')
    .filter((line) => line.includes('=='))
    .map((line) => line.trim().split('==') as [string, string])
  const ask =
    'import sys\nfrom importlib.metadata import version, PackageNotFoundError\nfor name in sys.argv[1:]:\n  try: print(version(name).split("+")[0])\n  except PackageNotFoundError: print("none")'
  const found = await runProgram(python, ['-c', ask, ...pinned.map(([name]) => name)])
  const versions = found.trim().split(/\s+/)
  const wrong = pinned.flatMap(([name, wanted], i) =>
    versions[i] === wanted ? [] : [`${name} ${wanted} (there: ${versions[i]})`],
  )
  if (wrong.length > 0) throw new NoReference(`${python} lacks ${wrong.join(', ')}; see ${requirements}`)
}

function lastLine(error: unknown): string {
  const lines = (error as Error).message.trim().split('\n')
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)!
}

/** Rejects with the last of the program's output where it fails. */
async function runProgram(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, tail] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    tail = (tail + chunk.toString()).slice(-4000)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}:\n${tail}`)
  return stdout
}
