/** How a run is cut to fit into memory, what of it is recorded, and that it does not show in the result. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { plan } from '../../src/plan.ts'
import type { Model } from '../../src/plugin/contract.ts'
import { loadRecipe, type ResolvedRecipe } from '../../src/recipe/recipe.ts'
import { chooseMemory } from '../../src/run/memory.ts'
import { planAdapter } from '../../src/run/preflight.ts'
import { openRepeat } from '../../src/run/repeat.ts'
import { createStages } from '../../src/run/stages.ts'
import { resume, run } from '../../src/run.ts'
import type { MemoryChoice } from '../../src/track/provenance.ts'
import { formatBytes, parseBytes } from '../../src/util/bytes.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { memorySplit } from '../helpers/memory-split.ts'
import { openThings } from '../helpers/open-things.ts'
import { smallProject } from './project.ts'

let project: string
let runsDir: string
beforeAll(async () => {
  project = await smallProject()
  runsDir = join(project, 'runs')
  // Long enough that a row's activations are more than small change beside the process itself.
  const rows = Array.from({ length: 24 }, (_, i) => ({
    q: `colour ${i}?`,
    a: Array.from({ length: 20 + 5 * i }, (_, j) => ['red', 'green', 'blue'][(i * j) % 3]).join(' '),
  }))
  writeFileSync(join(project, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
})

const options = [
  'train.batch_size=8',
  'train.accumulate=1',
  'train.max_length=256',
  'train.pack=false',
  'eval=[]',
]
const recipe = (...more: string[]): Promise<ResolvedRecipe> =>
  loadRecipe(join(project, 'recipe.yaml'), [...options, 'train.steps=3', ...more])
const record = (folder: string): { memory: MemoryChoice } =>
  JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
const steps = (folder: string): { loss: number; grad_norm: number }[] =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"step"'))
    .map((line) => JSON.parse(line))

/** What is chosen for a recipe with rows of up to max_length tokens. */
async function chosen(more: readonly string[], change = (model: Model) => model): Promise<MemoryChoice> {
  const resolved = await recipe(...more)
  const stages = await createStages(resolved, () => {})
  const model = change(await stages.model.load())
  const split = memorySplit([[], []])
  return chooseMemory(resolved, stages, model, planAdapter(resolved, stages, model), split, () => {})
}

/** Expected bytes of a way to cut a step. */
async function expected(batch_size: number, recompute: boolean): Promise<number> {
  const cut = [`train.batch_size=${batch_size}`, `train.accumulate=${8 / batch_size}`]
  return (await chosen([...cut, `train.recompute=${recompute}`])).expected!
}

const kilobytes = (bytes: number): string => `train.memory=${Math.ceil(bytes / 1e3)}KB`

describe('a budget', () => {
  let needs: Record<string, number>
  beforeAll(async () => {
    needs = {}
    for (const rows of [8, 4, 2, 1]) {
      for (const again of [false, true]) needs[`${rows} ${again}`] = await expected(rows, again)
    }
  })

  test('fewer rows take less, and so does recompute', () => {
    for (const again of [false, true]) {
      const sizes = [8, 4, 2, 1].map((rows) => needs[`${rows} ${again}`]!)
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
      expect(new Set(sizes).size).toBe(4)
    }
    for (const rows of [8, 4, 2, 1]) expect(needs[`${rows} true`]).toBeLessThan(needs[`${rows} false`]!)
  })

  test.each([
    [8, false],
    [4, false],
    [2, false],
    [1, false],
    [1, true],
  ])(
    'that holds %i rows, recompute %s, and not what comes before them, is met by these',
    async (rows, again) => {
      const need = needs[`${rows} ${again}`]!
      const { memory } = await plan(await recipe(`train.memory=${Math.ceil(need / 1e3) + 1}KB`))
      expect(memory).toMatchObject({
        batch_size: rows,
        accumulate: 8 / rows,
        recompute: again,
        expected: need,
      })
    },
  )

  test('that holds nothing is refused where it was written, with the way out', async () => {
    const resolved = await recipe('train.memory=100MB')
    const error = await run(resolved, { runsDir: join(project, 'none') }).catch((e: Error) => e)
    expect(String(error)).toMatch(
      /train\.memory=100MB.*expected to take \d+ MB even with one row at a time and recompute; raise it, lower train\.max_length \(now 256\)/,
    )
  })

  test('leaves recompute alone where the recipe decides it', async () => {
    const between = kilobytes((needs['1 false']! + needs['1 true']!) / 2)
    await expect(chosen([between, 'train.recompute=false'])).rejects.toThrow(
      /one row at a time; raise it, let train\.recompute choose/,
    )
    expect(await chosen([between])).toMatchObject({ batch_size: 1, recompute: true })
  })
})

test('what is chosen is recorded and does not show: cut, recomputed, or whole; nothing stays open', async () => {
  const whole = await run(await recipe(), { runsDir })
  expect(record(whole.folder).memory).toMatchObject({ batch_size: 8, accumulate: 1, recompute: false })
  const budget = kilobytes(await expected(2, false))
  const before = await openThings()
  const cut = await run(await recipe(budget), { runsDir })
  expect(await openThings()).toEqual(before)
  expect(record(cut.folder).memory).toMatchObject({ batch_size: 2, accumulate: 4, recompute: false })
  const again = await run(await recipe(budget, 'train.recompute=true'), { runsDir })
  expect(record(again.folder).memory).toMatchObject({ recompute: true })
  expect(steps(whole.folder)).toHaveLength(3)
  for (const other of [cut, again]) {
    steps(other.folder).forEach(({ loss, grad_norm }, i) => {
      const wanted = steps(whole.folder)[i]!
      // The first step's rate is 0: only the third sees what rounding has done to the parameters.
      const limit = i < 2 ? 1e-5 : 1e-3
      expect(Math.abs(loss / wanted.loss - 1)).toBeLessThan(limit)
      expect(Math.abs(grad_norm / wanted.grad_norm - 1)).toBeLessThan(limit)
    })
  }
})

test('a run that goes on or is repeated is cut as it was', async () => {
  const memory: MemoryChoice = { budget: 1, batch_size: 2, accumulate: 4, tokens: 512, recompute: true }
  const control = new AbortController()
  let folder = ''
  const stop = () => control.abort(new Stopped('SIGINT'))
  await run(await recipe('train.steps=4'), {
    runsDir,
    signal: control.signal,
    onFolder: (path) => {
      folder = path
    },
    onEvent: ({ type }) => type === 'step' && stop(),
  }).catch(() => undefined)
  const file = join(folder, 'run.json')
  writeFileSync(file, JSON.stringify({ ...record(folder), memory }))
  await resume(folder)
  expect(record(folder).memory).toEqual(memory)
  expect((await openRepeat(folder, [])).memory).toEqual(memory)
  expect((await openRepeat(folder, ['train.batch_size=4'])).memory).toBeUndefined()
})

test('recompute needs a model with layers', async () => {
  const flat = (model: Model): Model => ({
    ...model,
    build(batch, attachment) {
      const { boundaries: _, ...rest } = model.build(batch, attachment)
      return rest
    },
  })
  await expect(chosen(['train.recompute=true'], flat)).rejects.toThrow(
    /train\.recompute=true.*gemma3 does not say where its layers begin/,
  )
  const small = kilobytes(await expected(1, true))
  await expect(chosen([small], flat)).rejects.toThrow(/train\.memory/)
})

test('plan tells the same choice as the run makes', async () => {
  const { memory, estimate } = await plan(await recipe())
  expect(memory).toMatchObject({ batch_size: 8, accumulate: 1, recompute: false })
  expect(estimate.memory_bytes).toBe(memory.expected)
})

test('bytes in words', () => {
  expect(['4GB', '512 MiB', '1.5GB', '100B', '2KB'].map(parseBytes)).toEqual([4e9, 2 ** 29, 1.5e9, 100, 2000])
  expect(['4', '4 gb', 'GB', '-1GB', '1e9B'].map(parseBytes)).toEqual(Array(5).fill(undefined))
  expect([3.14e9, 512e6, 1200, Number.NaN].map(formatBytes)).toEqual(['3.1 GB', '512 MB', '2 kB', 'unknown'])
})
