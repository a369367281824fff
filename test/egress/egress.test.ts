/**
 * @file Nothing leaves the machine. Two detectors: a network namespace that has only loopback and counts what finds no way
 * out, and a preload that throws on any socket beyond loopback. Each is shown to catch a plugin that calls home.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Ended, execute, MEDTUNE, ROOT } from '../helpers/program.ts'
import { tempFolder } from '../helpers/temp.ts'
import { smallProject } from '../run/project.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const namespaces = spawnSync('unshare', ['-rn', here('loopback.sh'), 'true'], {
  env: { ...process.env, NO_ROUTES: '/dev/null' },
})
const skip = namespaces.status !== 0
if (skip) console.log('skipped: no network namespace can be made here (unshare -rn, ip)')

/** The end-to-end suite: whole runs, every command, the Hub's client over real HTTP. */
const END_TO_END = [
  'test/cli',
  'test/run',
  'test/recipes.test.ts',
  'test/data/hub',
  'test/plugins/dataset/hub',
]

interface Isolated extends Ended {
  /** Packets that found no way out of the namespace. */
  readonly lost: number
}

async function isolated(command: string, args: readonly string[], cwd: string): Promise<Isolated> {
  const file = join(tempFolder(), 'no-routes')
  const options = { cwd, env: { NO_ROUTES: file } }
  const ended = await execute('unshare', ['-rn', here('loopback.sh'), command, ...args], options)
  return { ...ended, lost: Number(readFileSync(file, 'utf8')) }
}

interface Guarded extends Ended {
  /** What the preload refused, a line each. */
  readonly refused: readonly string[]
}

async function guarded(args: readonly string[], cwd: string): Promise<Guarded> {
  const file = join(tempFolder(), 'egress.log')
  const ended = await execute(process.execPath, [...MEDTUNE, '--offline', ...args], {
    cwd,
    env: { MEDTUNE_EGRESS_LOG: file, NODE_OPTIONS: `--require ${here('guard.cjs')}` },
  })
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  return { ...ended, refused: lines.map((line) => JSON.parse(line).what) }
}

/** A project whose plugin calls home. */
async function plantedProject(): Promise<string> {
  const project = await smallProject()
  cpSync(here('planted.js'), join(project, 'planted.js'))
  return project
}
const PLANTED = ['run', 'recipe.yaml', 'plugins=[./planted.js]', 'trackers=[planted]', 'train.steps=1']

describe.skipIf(skip)('with loopback alone', () => {
  test('a planted request is counted, though it fails in silence', async () => {
    const { code, lost } = await isolated(process.execPath, [...MEDTUNE, ...PLANTED], await plantedProject())
    expect(code).toBe(0)
    expect(lost).toBeGreaterThanOrEqual(2)
  })

  test('the end-to-end suite passes, and nothing looks for a way out', async () => {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
    const { code, stdout, stderr, lost } = await isolated(
      process.execPath,
      [vitest, 'run', ...END_TO_END],
      ROOT,
    )
    expect(code, stdout.slice(-5000) + stderr.slice(-2000)).toBe(0)
    expect(stdout).toMatch(/Tests .*\d+ passed/)
    expect(lost).toBe(0)
  })
})

describe('with --offline, every socket watched', () => {
  test('a planted request is refused, in a thread too', async () => {
    const { code, refused } = await guarded(PLANTED, await plantedProject())
    expect(code).toBe(0)
    expect(refused).toEqual(['connect 192.0.2.1', 'connect 192.0.2.1'])
  })

  test('the quickstart trains, scores and reports without one', async () => {
    const short = ['train.steps=4', 'eval.0.limit=4', 'eval.1.limit=4']
    const { code, stderr, refused } = await guarded(
      ['run', 'quickstart', ...short, '--runs-dir', tempFolder()],
      tempFolder(),
    )
    expect(code, stderr).toBe(0)
    expect(refused).toEqual([])
  })

  test('every command that reads a recipe', async () => {
    const project = await smallProject()
    for (const command of ['validate', 'plan', 'run']) {
      const { code, stderr, refused } = await guarded([command, 'recipe.yaml'], project)
      expect(code, `${command}: ${stderr}`).toBe(0)
      expect(refused, command).toEqual([])
    }
  })

  test('a model of the Hub that was never downloaded is refused before anything is asked', async () => {
    const project = await smallProject()
    const recipe = join(project, 'recipe.yaml')
    writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('path: model', 'repo: someone/something'))
    const { code, stderr, refused } = await guarded(['run', 'recipe.yaml'], project)
    expect(code).toBe(2)
    expect(stderr).toMatch(/someone\/something.*--offline/s)
    expect(refused).toEqual([])
  })
})
