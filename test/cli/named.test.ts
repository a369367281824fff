/** @file Every command takes a run as every other does: by its path, its name, or a part of it that no other run has. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { namedRun, namedTarget } from '../../src/cli/named-run.ts'
import { main } from '../../src/cli/program.ts'
import { makeRun } from '../helpers/run-folders.ts'
import { makeSweep } from '../helpers/sweep-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

let root: string

beforeAll(() => {
  root = tempFolder()
  const item = (id: string, score: number) => ({ id, score, weight: 1, detail: { prompt: `q ${id}` } })
  const items = { qa: { base: [item('a', 0)], tuned: [item('a', 1)] } }
  for (const id of ['2026-first-a1', '2026-second-b2']) makeRun(root, { id, items, steps: 4 })
  makeSweep(root, '2026-widths-c3', { id: 'c3' })
})

const medtune = (...args: string[]) => medtuneBare(...args, '--runs-dir', root)

/** Exit code and what was written, of a command in this process. */
async function medtuneBare(...args: string[]): Promise<{ code: number; said: string }> {
  let said = ''
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said += String(text)
      return true
    }),
  )
  try {
    return { code: await main(args), said }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** What each command has to say of a run that is as good as empty, or of two. */
const COMMANDS: readonly (readonly [(word: string) => string[], RegExp])[] = [
  [(word) => ['resume', word], /this run is finished.*there is nothing to resume/],
  [(word) => ['run', '--from', word], /2026-second-b2\/resolved\.json/],
  [(word) => ['runs', 'verify', word], /2026-second-b2\/run\.json: holds no hashes/],
  [(word) => ['runs', 'tag', word], /^$/],
  [(word) => ['runs', 'note', word], /^$/],
  [(word) => ['compare', word, '2026-first-a1'], /2026-second-b2/],
  [(word) => ['eval', '--compare', word, '2026-first-a1'], /qa[\s\S]*0 items differ/],
  [(word) => ['eval', word], /2026-second-b2\/resolved\.json/],
  [(word) => ['chat', word, '--prompt', 'x'], /2026-second-b2\/resolved\.json/],
  [(word) => ['push', word, 'me/x'], /2026-second-b2: this run is finished, but its folder adapter is gone/],
  [(word) => ['sync', 'mlflow', word], /2026-second-b2\/resolved\.json/],
]

describe.each(COMMANDS)('%s', (command, own) => {
  test('by its path, its name or a part of it', async () => {
    for (const word of [join(root, '2026-second-b2'), '2026-second-b2', 'second'])
      expect((await medtune(...command(word))).said).toMatch(own)
  })

  test('a word for several is refused, a misspelt one says what was meant', async () => {
    const several = await medtune(...command('2026-'))
    expect(several).toMatchObject({ code: 2, said: expect.stringMatching(/"2026-" means 2 runs: 2026-/) })
    const misspelt = await medtune(...command('2026-secnod-b2'))
    expect(misspelt.said).toMatch(/no run is named "2026-secnod-b2"; did you mean 2026-second-b2/)
    expect(misspelt.code).toBe(2)
  })
})

test('the whole name of a run is that run, though a trial of a sweep has it too', async () => {
  const own = tempFolder()
  for (const id of ['demo', 'widths/runs/demo']) makeRun(own, { id })
  for (const find of [namedRun, namedTarget]) expect(await find('demo', own)).toBe(join(own, 'demo'))
  expect(await namedTarget('runs/demo', own)).toBe(join(own, 'widths/runs/demo'))
})

test.each(['eval', 'chat', 'push'])(
  '%s: a word that names nothing says what it could have been',
  async (command) => {
    const rest = { eval: [], chat: ['--prompt', 'x'], push: ['me/x'] }[command]!
    const { code, said } = await medtune(command, 'quikstart', ...rest)
    expect(said).toMatch(
      /"quikstart" is no run in \S+, no recipe that .* and no folder here; did you mean quickstart/,
    )
    expect(code).toBe(2)
  },
)

test.each([
  ['compare', 'first', 'second', '--format', 'csv', '--out'],
  ['dashboard', '--export'],
  ['init', 'quickstart', '--yes', '--out'],
  ['schema', '--out'],
])(
  '%s: what cannot be written is a mistake of the command line, a folder that is missing is made',
  async (...words) => {
    const [place, more] = words[0] === 'dashboard' ? [[root], []] : [[], ['--runs-dir', root]]
    const typed = (file: string) => [...words.slice(0, 1), ...place, ...words.slice(1), file]
    const out = join(tempFolder(), 'deep/er/file')
    const asked = words[0] === 'compare' ? more : []
    expect(await medtuneBare(...typed(out), ...asked)).toMatchObject({ code: 0 })
    expect(existsSync(out)).toBe(true)
    const folder = await medtuneBare(...typed(root), ...asked)
    expect(folder).toMatchObject({
      code: 2,
      said: expect.stringMatching(/is a folder; name a file to write/),
    })
  },
)

test.each([
  ['status', /^demo: interrupted/],
  ['best', /2026-widths-c3: no trial of this sweep has come to a value yet/],
])('sweep %s takes a sweep in the same ways', async (command, own) => {
  for (const word of [join(root, '2026-widths-c3'), '2026-widths-c3', 'widths'])
    expect((await medtune('sweep', command, word)).said).toMatch(own)
  const run = await medtune('sweep', command, '2026-second-b2')
  expect(run.said).toMatch(/2026-second-b2: is no sweep folder, it has no sweep\.jsonl; it is a run's/)
  expect((await medtune('sweep', command, 'wdths')).said).toMatch(/no sweep is named "wdths"/)
})

test('sync of a sweep that has no run yet says that there is nothing to send', async () => {
  const { code, said } = await medtune('sync', 'mlflow', join(root, '2026-widths-c3'))
  expect(said).toMatch(/2026-widths-c3: no trial of this sweep has a run yet/)
  expect(code).toBe(2)
})

describe('a run that has not come to its end', () => {
  const alive = { pid: process.pid, heartbeat: new Date().toISOString(), step: 12, steps: 40 }
  const checkpoint = (folder: string, step: number): void => {
    const adapter = join(folder, 'checkpoints', String(step), 'adapter')
    mkdirSync(adapter, { recursive: true })
    writeFileSync(join(adapter, 'adapter_config.json'), '{}')
  }

  test('while it is at work, push says so, and what can be pushed meanwhile', async () => {
    const folder = makeRun(root, { id: 'at-work', status: 'running', record: alive })
    const early = await medtune('push', 'at-work', 'me/x')
    expect(early.code).toBe(2)
    expect(early.said).toMatch(
      /at-work: this run is still at work, at step 12 of 40; .*Wait for that; it has made no checkpoint yet/,
    )
    for (const step of [4, 8]) checkpoint(folder, step)
    mkdirSync(join(folder, 'checkpoints/12'))
    const { said } = await medtune('push', 'at-work', 'me/x')
    expect(said).toMatch(
      /or push its newest checkpoint, \S*at-work\/checkpoints\/8\/adapter, which is an adapter/,
    )
  })

  test('stopped, it may be gone on with', async () => {
    const record = { step: 12, steps: 40, reason: 'SIGINT' }
    const folder = makeRun(root, { id: 'cut-short', status: 'stopped', record })
    // run.json was written before the newest checkpoint was.
    checkpoint(folder, 14)
    const { said } = await medtune('push', 'cut-short', 'me/x')
    expect(said).toMatch(
      /cut-short: this run has not come to its end \(stopped: SIGINT\), at step 14 of 40\. Go on with `medtune resume \S+`, or push its newest checkpoint, \S+\/14\/adapter/,
    )
  })
})
