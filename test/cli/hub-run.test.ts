/** @file The medical recipe as a user meets it: downloaded on the first run, from the cache on the second, without network on the third. */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeHub, startFakeHub } from '../helpers/fake-hub.ts'
import { makeModel } from '../helpers/make-model.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODEL = 'unsloth/gemma-3-270m-it'
const DATA = 'FreedomIntelligence/medical-o1-reasoning-SFT'
const ROWS = 320
const CARD = `---
configs:
- config_name: en
  data_files: medical_o1_sft.json
- config_name: zh
  data_files: medical_o1_sft_Chinese.json
---
`

let hub: FakeHub
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'medtune-hub-run-'))
  const tokenizer = join(ROOT, 'models', 'tiny-gemma3')
  const { vocab_size } = JSON.parse(readFileSync(join(tokenizer, 'config.json'), 'utf8'))
  const model = await makeModel(join(folder, 'model'), {
    tokenizer,
    config: {
      vocab_size,
      hidden_size: 32,
      intermediate_size: 32,
      head_dim: 16,
      max_position_embeddings: 2048,
    },
  })
  hub = await startFakeHub(MODEL, DATA)
  for (const name of readdirSync(model)) {
    hub.files.set(name, { content: readFileSync(join(model, name)), lfs: name.endsWith('.safetensors') })
  }
  hub.files.set('README.md', { content: Buffer.from('# not needed') })
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    Question: `A patient of ${20 + (i % 60)} years has finding ${i}. What is it?`,
    Complex_CoT: `Finding ${i} points one way. `.repeat(3 + (i % 9)),
    Response: `Condition ${i % 12}.`,
  }))
  const data = hub.filesOf(DATA)
  data.set('README.md', { content: Buffer.from(CARD) })
  data.set('medical_o1_sft.json', { content: Buffer.from(JSON.stringify(rows)), lfs: true })
  data.set('medical_o1_sft_Chinese.json', { content: Buffer.from('[]') })
})
afterAll(async () => {
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

const PROGRAM = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  join(ROOT, 'src/cli/main.ts'),
]

function medtune(args: readonly string[], env: Record<string, string> = {}) {
  const { http_proxy: _1, HTTP_PROXY: _2, HF_TOKEN: _3, HF_HUB_OFFLINE: _4, ...inherited } = process.env
  const child = spawn(process.execPath, [...PROGRAM, ...args], {
    cwd: folder,
    env: {
      ...inherited,
      NO_COLOR: '1',
      CI: '1',
      HF_ENDPOINT: hub.url,
      HF_HOME: join(folder, 'hf'),
      HF_HUB_CACHE: join(folder, 'hf', 'hub'),
      MEDTUNE_CACHE: join(folder, 'tokens'),
      ...env,
    },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  )
}

const RECIPE = 'recipes/gemma3-medical.yaml'
/** `medtune run recipes/gemma3-medical.yaml train.steps=4`, as a user types it, and the report that it leaves. */
async function run(...more: string[]) {
  const result = await medtune(['run', RECIPE, 'train.steps=4', ...more])
  const runs = readdirSync(join(folder, 'runs')).filter((name) => !name.startsWith('.'))
  const last = join(folder, 'runs', runs.sort().at(-1)!)
  const adapter = readFileSync(join(last, 'adapter', 'adapter_model.safetensors'))
  return {
    ...result,
    runs: runs.length,
    report: JSON.parse(readFileSync(join(last, 'report.json'), 'utf8')),
    adapter,
  }
}
const contents = () => hub.requests.map(({ path }) => path).filter((path) => path.includes('/resolve/'))

test('a run downloads once, then needs the Hub no more', async () => {
  mkdirSync(join(folder, 'recipes'))
  copyFileSync(join(ROOT, RECIPE), join(folder, RECIPE))
  const first = await run()
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining(`download ${MODEL}: `)])
  expect(first.stderr).toContain(`download ${DATA}: `)
  const { report } = first
  expect(report).toMatchObject({ name: 'gemma3-medical', status: 'done', train: { steps: 4 } })
  expect(report.census.train.rows + report.census.holdout.rows).toBe(ROWS)
  expect(first.stdout).toMatch(/loss/)
  const fetched = contents().map((path) => path.slice(path.lastIndexOf('/') + 1))
  expect(fetched.filter((name) => name === 'model.safetensors')).toHaveLength(1)
  expect(fetched).not.toContain('medical_o1_sft_Chinese.json')
  expect(contents().some((path) => path.includes(MODEL) && path.endsWith('README.md'))).toBe(false)

  const before = contents().length
  const second = await run()
  expect([second.code, second.runs]).toEqual([0, 2])
  expect(contents()).toHaveLength(before)
  expect(second.stderr).not.toContain('download')

  await hub.close()
  const third = await run('--offline')
  expect([third.code, third.runs, third.stderr]).toEqual([
    0,
    3,
    expect.not.stringContaining('cannot be reached'),
  ])
  for (const { report: again, adapter } of [second, third]) {
    expect([again.train.loss_first, again.train.loss_last]).toEqual([
      report.train.loss_first,
      report.train.loss_last,
    ])
    expect(adapter.equals(first.adapter)).toBe(true)
    expect(again.warnings).toEqual(report.warnings)
  }

  const empty = { HF_HOME: join(folder, 'empty'), HF_HUB_CACHE: join(folder, 'empty', 'hub') }
  const [refused, unset] = await Promise.all([
    medtune(['--offline', 'plan', RECIPE], empty),
    medtune(['validate', RECIPE, '--offline'], empty),
  ])
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toMatch(
    /unsloth\/gemma-3-270m-it: --offline \(MEDTUNE_OFFLINE\) is set and .* has no copy of revision main; run once without it/,
  )
  expect(unset.code).toBe(0)
})
