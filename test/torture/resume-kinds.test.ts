/** @file Every kind of adapter, optimizer and order of rows, stopped twice and resumed: the same bits. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { resume, run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { MEMORY_DISK } from '../helpers/temp.ts'
import { smallProject } from '../run/project.ts'

let project: string
let count = 0

beforeAll(async () => {
  project = await smallProject(MEMORY_DISK)
  const row = (i: number) => JSON.stringify({ q: `colour ${i}?`, a: ['red', 'green', 'blue'][i % 3] })
  const rows = Array.from({ length: 2500 }, (_, i) => `${row(i)}\n`)
  writeFileSync(join(project, 'many.jsonl'), rows.join(''))
})

/** Loads the options of a run that stops behind a step, where one is given. */
function until(step: number | undefined): Parameters<typeof resume>[2] {
  const controller = new AbortController()
  return {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.step === step) controller.abort(new Stopped('test'))
    },
  }
}

async function trained(
  overrides: readonly string[],
  stops: readonly number[],
): Promise<Record<string, unknown>> {
  const runsDir = join(project, `runs-${count++}`)
  mkdirSync(runsDir)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), ['eval=[]', ...overrides])
  const first = run(resolved, { runsDir, ...until(stops[0]) })
  if (stops.length > 0) await expect(first).rejects.toThrow(Stopped)
  else await first
  const folder = join(runsDir, readdirSync(runsDir)[0]!)
  for (const stop of stops.slice(1)) await expect(resume(folder, [], until(stop))).rejects.toThrow(Stopped)
  if (stops.length > 0) await resume(folder)
  const events = readFileSync(join(folder, 'events.jsonl'), 'utf8').trimEnd().split('\n')
  const steps = events
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'step')
    .map(({ step, epoch, loss, grad_norm, lr }) => [step, epoch, loss, grad_norm, lr])
  const last = join(folder, 'checkpoints', String(steps.length))
  const bytes = (...path: string[]) => readFileSync(join(...path)).toString('base64')
  const adapter = readdirSync(join(folder, 'adapter')).find((name) => name.endsWith('.safetensors'))!
  return {
    steps,
    adapter: bytes(folder, 'adapter', adapter),
    parameters: bytes(last, 'parameters.safetensors'),
    optimizer: bytes(last, 'optimizer.safetensors'),
  }
}

test.each([
  ['DoRA', ['adapter.dora=true']],
  ['OLoRA', ['adapter.init=olora']],
  ['PiSSA', ['adapter.init=pissa']],
  ['LoRA+ and rsLoRA', ['adapter.lora_plus=16', 'adapter.rslora=true']],
  ['all weights, written as bf16', ['adapter=full', 'optimizer.lr=1e-3']],
  ['Adafactor', ['optimizer={use: adafactor, lr: 1e-2, beta1: 0.9}']],
  ['Lion', ['optimizer={use: lion, lr: 1e-3}']],
  ['a schedule with restarts', ['schedule={use: cosine_with_restarts, warmup: 1, num_cycles: 2}']],
] as const)('%s', async (_, overrides) => {
  const whole = await trained(overrides, [])
  expect(await trained(overrides, [2, 5])).toEqual(whole)
})

test.each([
  ['a window at a time', ['train.order=stream']],
  ['a window at a time, packed', ['train.order=stream', 'train.pack=true']],
  ['all together', ['train.order=whole']],
  ['all together, packed', ['train.order=whole', 'train.pack=true']],
  ['as they come', ['train.shuffle=false']],
])('2,500 rows, %s', async (_, overrides) => {
  const chosen = [`dataset.path=${join(project, 'many.jsonl')}`, 'train.pack=false', ...overrides]
  const size = overrides.includes('train.pack=true') ? 16 : 100
  const steps = [
    'train.batch_size=4',
    `train.accumulate=${size / 4}`,
    'train.steps=40',
    'adapter.targets=[v_proj]',
  ]
  const whole = await trained([...chosen, ...steps], [])
  // In the second window, in the third, and in the second epoch where it gets that far.
  expect(await trained([...chosen, ...steps], [13, 22, 31])).toEqual(whole)
})
