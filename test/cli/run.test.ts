/** @file `medtune run` and `plan` as a user starts them: what they print where, and how they end. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { openStatus } from '../../src/cli/status.ts'
import type { RunEvent } from '../../src/plugin/contract.ts'
import { type Execution, medtuneIn } from '../helpers/program.ts'
import { smallProject } from '../run/project.ts'

let project: string

beforeAll(async () => {
  project = await smallProject()
})

const medtune = (args: readonly string[], watch?: Execution['watch']) =>
  medtuneIn(args, { cwd: project, watch })

test('progress goes to stderr, the result and the folder to stdout', async () => {
  const { code, stdout, stderr } = await medtune(['run', 'recipe.yaml', '--runs-dir', 'out'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/evaluate base: loss\n/)
  expect(stderr).toMatch(/step 6\/6 {2}loss \d/)
  expect(stdout).toMatch(/^small: 6 steps in .*, loss \d\S* -> \d/)
  expect(stdout).toMatch(
    /colours: accuracy \d\S* % \[.*\] -> \d\S* % \[.*\], [+-]\S+ points \[.*\], p .*, n 9/,
  )
  const [folder] = readdirSync(path.join(project, 'out'))
  expect(stdout).toContain(`run folder: ${path.join('out', folder!)}\n`)
})

test('--json prints the report alone on stdout, --quiet nothing on stderr', async () => {
  const { code, stdout, stderr } = await medtune([
    'run',
    'recipe.yaml',
    '--json',
    '--quiet',
    '--runs-dir',
    'json',
  ])
  expect([code, stderr]).toEqual([0, ''])
  const report = JSON.parse(stdout)
  expect(report).toEqual(JSON.parse(readFileSync(path.join(report.folder, 'report.json'), 'utf8')))
})

test('the first signal stops the run cleanly with exit code 130', async () => {
  let sent = false
  const { code, stderr } = await medtune(
    ['run', 'recipe.yaml', 'train.steps=100000', '--runs-dir', 'stopped'],
    (text, child) => {
      if (sent || !text.includes('step 1/')) return
      sent = true
      child.kill('SIGTERM')
    },
  )
  expect(code).toBe(130)
  expect(stderr).toContain('stopped: SIGTERM')
  const [folder] = readdirSync(path.join(project, 'stopped'))
  const record = JSON.parse(readFileSync(path.join(project, 'stopped', folder!, 'run.json'), 'utf8'))
  expect(record).toMatchObject({ status: 'stopped', reason: 'SIGTERM' })
})

test('a mistake of the recipe ends with 2 and leaves no folder', async () => {
  const { code, stderr } = await medtune([
    'run',
    'recipe.yaml',
    'train.max_length=9999',
    '--runs-dir',
    'none',
  ])
  expect(code).toBe(2)
  expect(stderr).toMatch(/train\.max_length: is 9999/)
  expect(readdirSync(project)).not.toContain('none')
})

test('a failed run ends with 1 and says where its record lies', async () => {
  const tooLong = ['train.max_length=8', 'train.over_length=error']
  const { code, stderr } = await medtune(['run', 'recipe.yaml', ...tooLong, '--runs-dir', 'failed'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/run folder: failed/)
  expect(stderr).toMatch(/row \d+ of the data set has \d+ tokens/)
  expect(stderr).not.toMatch(/\n +at /)
})

test.each(['run', 'plan'])('%s refuses a damaged input with 2', async (command) => {
  const rows = readFileSync(path.join(project, 'rows.jsonl'), 'utf8').split('\n')
  writeFileSync(path.join(project, 'bad.jsonl'), rows.with(20, '{"q": "x"}').join('\n'))
  const { code, stderr } = await medtune([command, 'recipe.yaml', 'dataset.path=bad.jsonl'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/error: row 21 of the data set has no column "a"/)
  expect(readdirSync(project)).not.toContain('runs')
})

test('a file where run folders should be made is refused with 2', async () => {
  const { code, stderr } = await medtune(['run', 'recipe.yaml', '--runs-dir', 'rows.jsonl'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/rows\.jsonl: run folders cannot be made there \(a file is in its place\)/)
})

test('a signal before the run has a folder ends it at once', async () => {
  writeFileSync(
    path.join(project, 'endless.mjs'),
    `export default { kind: 'dataset', name: 'endless', summary: 'never gives a row',
      options: { type: 'object', properties: {}, additionalProperties: false },
      create: () => ({ async *read() { process.stderr.write('reading'); await new Promise((done) => setTimeout(done, 60_000)) } }) }`,
  )
  const { code, stderr } = await medtune(
    ['run', 'recipe.yaml', 'plugins=[./endless.mjs]', 'dataset.use=endless', 'dataset.holdout=4'],
    (text, child) => {
      if (text === 'reading') child.kill('SIGINT')
    },
  )
  expect([code, stderr]).toEqual([130, 'readingstopped: SIGINT\n'])
  expect(readdirSync(project)).not.toContain('runs')
})

test('plan counts, shows what is learned and trains nothing', async () => {
  const text = await medtune(['plan', 'recipe.yaml'])
  expect(text.code).toBe(0)
  expect(text.stdout).toMatch(/train: 20 rows, 20 used, \d+ tokens/)
  expect(text.stdout).toMatch(/user\n {2}\| colour \d+\?<end_of_turn>/)
  expect(text.stdout).toMatch(/\[\[(red|green|blue)<end_of_turn>/)
  expect(text.stdout).toMatch(/6 optimizer steps/)
  const { stdout } = await medtune(['plan', 'recipe.yaml', 'train.steps=12', '--json'])
  const plan = JSON.parse(stdout)
  expect(plan).toMatchObject({
    name: 'small',
    steps: 12,
    census: { train: { rows: 20 }, holdout: { rows: 4 } },
  })
  expect(plan.samples).toHaveLength(3)
  expect(plan.estimate.seconds).toBeGreaterThan(0)
  expect(plan.adapter.trainable).toBeLessThan(plan.model.parameters)
  expect(readdirSync(project)).not.toContain('runs')
})

test('on a terminal one block is redrawn in place', () => {
  const saved = { CI: process.env.CI, TERM: process.env.TERM }
  delete process.env.CI
  process.env.TERM = 'xterm'
  const written: string[] = []
  const status = openStatus('demo', { isTTY: true, columns: 60, write: (text) => written.push(text) })
  const time = '2026-01-01T00:00:00.000Z'
  const step = (n: number): RunEvent => ({
    time,
    type: 'step',
    step: n,
    epoch: 1,
    loss: 2 / n,
    grad_norm: 0.5,
    lr: 1e-4,
    tokens: 1000,
    label_tokens: 500,
    seconds: 0.5,
  })
  for (const n of [1, 2, 3]) {
    status.onEvent(step(n))
    status.onProgress({ phase: 'train', done: n, total: 13 })
  }
  status.onEvent({ time, type: 'warning', code: 'x', message: 'careful' })
  status.close()
  Object.assign(process.env, saved)
  if (saved.CI === undefined) delete process.env.CI
  const text = written.join('')
  expect(text).toContain('careful\n')
  expect(text).toMatch(/demo {2}train 3\/13/)
  expect(text).toMatch(/loss 0\.6667 .*lr 1\.00e-4 .*2,000 tokens\/s/)
  // What was drawn before is taken back before the next is drawn.
  expect(text).toContain('\u001b[3A\u001b[0J')
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g')
  for (const line of text.replace(escapes, '').split('\n')) expect(line.length).toBeLessThan(60)
})
