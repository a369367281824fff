/** @file Faults planted in a training: each is told once, by its code and its step; a sound training tells nothing. */
import { beforeAll, describe, expect, test } from 'vitest'
import constant from '../../plugins/schedule/constant.ts'
import linear from '../../plugins/schedule/linear.ts'
import type { Executor, Schedule } from '../../src/plugin/contract.ts'
import { lossGuard } from '../../src/train/guards/loss.ts'
import { type NonfiniteOptions, nonfiniteGuard } from '../../src/train/guards/nonfinite.ts'
import { isZeroThroughout, rateGuard } from '../../src/train/guards/rate.ts'
import { unchangedGuard } from '../../src/train/guards/unchanged.ts'
import { trainLoop } from '../../src/train/loop.ts'
import type { Keeper, StepDone, StepHook, Verdict } from '../../src/train/state.ts'
import { feedsFor, type Programs } from '../../src/train/step.ts'
import { uniform } from '../../src/util/random.ts'
import { context } from '../data/rows.ts'
import { documentOf, memorySplit } from '../helpers/memory-split.ts'
import { oracleExecutor } from '../helpers/oracle-executor.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

let programs: Programs
const flat = constant.create({ warmup: 0 }, context) as Schedule

beforeAll(async () => {
  programs = (await tinyLora()).programs
})

const done = (step: number, loss: number, more: Partial<StepDone> = {}): StepDone => ({
  step,
  epoch: 0,
  total: 1000,
  loss,
  gradNorm: Number.isFinite(loss) ? 1 : Number.NaN,
  lr: 1e-3,
  tokens: 1,
  labelTokens: 1,
  seconds: 1,
  ...more,
})

/** Asks a hook after each loss in turn; with `torn`, every step asks a new hook that was given what the last one saved. */
async function watched(
  make: (warn: (code: string, message: string) => void) => StepHook,
  losses: readonly number[],
  torn = false,
): Promise<readonly string[]> {
  const told: string[] = []
  const warn = (code: string, message: string) => void told.push(`${code}: ${message}`)
  let hook = make(warn)
  for (const [i, loss] of losses.entries()) {
    await hook.afterStep(done(i + 1, loss, { total: losses.length }))
    if (!torn) continue
    const saved = JSON.parse(JSON.stringify(hook.save!()))
    hook = make(warn)
    hook.load!(saved)
  }
  return told
}

/** Noise of a normal distribution. */
const noise = (i: number): number =>
  Math.sqrt(-2 * Math.log(uniform(1, 2, i) + 1e-12)) * Math.cos(2 * Math.PI * uniform(1, 3, i))

describe('the loss', () => {
  const falling = Array.from({ length: 400 }, (_, i) => 1 + 5 * Math.exp(-i / 60) + 0.15 * noise(i))

  test.each([
    ['falls with noise', falling],
    ['is of single rows, each with a loss of its own', falling.map((_, i) => 3 + 0.9 * noise(i))],
    ['does not move', falling.map(() => 2)],
    [
      'is learned by heart',
      falling.map((_, i) => Math.max(0.001, 2 * 0.9 ** i) * (1 + 0.5 * Math.abs(noise(i)))),
    ],
    ['is of a few steps', [3, 9, 1, 12]],
  ])('that %s tells nothing', async (_, losses) => {
    expect(await watched(lossGuard, losses)).toEqual([])
  })

  test('that jumps is told once, also when it stays there, and a second time much later', async () => {
    const losses = falling.map((loss, i) =>
      i === 100 || (i >= 200 && i < 210) || i === 380 ? loss + 3 : loss,
    )
    const told = await watched(lossGuard, losses)
    expect(
      told.map(
        (line) => /^loss-spike: the loss jumped to [\d.]+ at step (\d+), from a median/.exec(line)?.[1],
      ),
    ).toEqual(['101', '201', '381'])
    expect(await watched(lossGuard, losses, true)).toEqual(told)
  })

  test('that is higher at the end than at the start is told, though it is a number', async () => {
    // As the quickstart at a rate of 0.1: from 6.02 up to 9.6 at once, then down to 6.33 and no further.
    const losses = Array.from({ length: 60 }, (_, i) =>
      i === 0 ? 6.02 : 6.33 + 3 * Math.exp(-i / 8) + 0.08 * noise(i),
    )
    const told = await watched(lossGuard, losses)
    expect(told.at(-1)).toMatch(
      /^loss-rose: the loss is higher at the end \(median 6\.\d*\) than at the start \(6\.020/,
    )
    expect(await watched(lossGuard, losses, true)).toEqual(told)
  })
})

describe('a step without a number', () => {
  const options = {
    epochs: 1,
    batch_size: 1,
    accumulate: 1,
    max_length: 64,
    pack: false,
    shuffle: false,
    clip: 1,
  }
  const split = () => memorySplit([Array.from({ length: 8 }, (_, i) => documentOf(20 + i, 5, i + 1))])

  /** Trains 8 steps; the rows of the `bad` ones give a loss and gradients that are NaN. */
  async function train(
    bad: readonly number[],
    policy: NonfiniteOptions,
    more: { firstSaved?: number; keeper?: Keeper; steps?: number } = {},
  ) {
    const executor = await oracleExecutor()
    const compiled = await executor.compile(programs.train)
    const names = (await executor.trained()).map(({ name }) => name)
    const told: string[] = []
    const outcome = await trainLoop({
      executor,
      async run(batch, { step }) {
        const weight = bad.includes(step) ? batch.labelWeight.map(() => Number.NaN) : batch.labelWeight
        const { rows, length, labels } = batch
        const feeds = { ...batch, labelWeight: weight, gain: Float32Array.of(1) }
        const fed = feedsFor(programs.train, feeds as never)
        return (await compiled.run(fed, { rows, length, labels }, true)).loss![0]!
      },
      split: split(),
      options: { ...options, steps: more.steps ?? 8 },
      seed: 1,
      lr: 0.05,
      schedule: flat,
      hooks: [
        nonfiniteGuard(policy, more.firstSaved ?? 0, (code, message) => told.push(`${code}: ${message}`)),
      ],
      emit: () => {},
      ...(more.keeper ? { keeper: more.keeper } : {}),
    }).then(
      () => 'done',
      (error: Error) => `${error.name}: ${error.message}`,
    )
    return { outcome, told, executor, names }
  }

  test('stops the run where nothing else is said', async () => {
    const { outcome, told } = await train([3], { on_nonfinite: 'stop', nonfinite_limit: 10 })
    expect(outcome).toMatch(/^DivergedError: the loss became NaN at step 3, at a learning rate of 0\.0500/)
    expect(told).toEqual([])
  })

  test('is passed over by skip, and leaves no trace in the parameters', async () => {
    const { outcome, told, executor, names } = await train([3, 8], {
      on_nonfinite: 'skip',
      nonfinite_limit: 10,
    })
    expect(outcome).toBe('done')
    expect(told).toEqual(
      [3, 8].map(
        (step) =>
          `nonfinite: the loss is NaN at step ${step}, at a learning rate of 0.0500; the step changed nothing and is passed over`,
      ),
    )
    // Step 8, the last, changed nothing: stopped before it, the parameters are the same, bit for bit.
    const before = await train([3], { on_nonfinite: 'skip', nonfinite_limit: 10 }, { steps: 7 })
    const all = await train([3], { on_nonfinite: 'skip', nonfinite_limit: 10 })
    for (const name of names) {
      expect(await executor.read(name)).toEqual(await before.executor.read(name))
      expect(await executor.read(name)).not.toEqual(await all.executor.read(name))
    }
  })

  test('gives up beyond the limit, and says so', async () => {
    const { outcome, told } = await train([3, 5, 6], { on_nonfinite: 'skip', nonfinite_limit: 2 })
    expect(told).toHaveLength(2)
    expect(outcome).toMatch(
      /^DivergedError: .* step 6, .*: 3 of the last 100 steps had no number, more than train\.nonfinite_limit \(2\) allows/,
    )
    expect(outcome).toMatch(/Try a lower optimizer\.lr/)
    const broken = await train([1, 2, 3], { on_nonfinite: 'skip', nonfinite_limit: 2 })
    expect(broken.outcome).toMatch(/No step before had a number either: the model's own weights/)
  })

  test('goes back with rollback, once there is a checkpoint', async () => {
    const back: number[] = []
    const keeper: Keeper = {
      at() {},
      between: async () => {},
      rollBack: async (step) => void back.push(step),
    }
    const policy = { on_nonfinite: 'rollback', nonfinite_limit: 10 } as const
    const { outcome, told } = await train([2, 6], policy, { firstSaved: 4, keeper })
    expect(outcome).toBe('done')
    expect(back).toEqual([6])
    expect(told[0]).toMatch(/step 2, .*; the step changed nothing and is passed over$/)
    expect(told[1]).toMatch(/step 6, .*; parameters and optimizer return to the last checkpoint/)
  })

  test('counts over a window, and goes on counting after a resume', async () => {
    const verdicts = async (torn: boolean) => {
      const policy = { on_nonfinite: 'skip', nonfinite_limit: 2 } as const
      let hook = nonfiniteGuard(policy, 0, () => {})
      const list: (Verdict | string | undefined)[] = []
      for (const step of [10, 11, 112, 113, 150]) {
        const verdict = await Promise.resolve(step)
          .then(() => hook.afterStep(done(step, Number.NaN)))
          .catch((error: Error) => error.name)
        list.push(verdict)
        const saved = JSON.parse(JSON.stringify(hook.save!()))
        if (torn) hook = nonfiniteGuard(policy, 0, () => {})
        if (torn) hook.load!(saved)
      }
      return list
    }
    const expected = ['go on', 'go on', 'go on', 'go on', 'DivergedError']
    expect(await verdicts(false)).toEqual(expected)
    expect(await verdicts(true)).toEqual(expected)
  })
})

describe('the learning rate', () => {
  const warmup = (steps: number) => linear.create({ warmup: steps }, context) as Schedule

  test('that is 0 throughout is told at the first step', async () => {
    const told: string[] = []
    const hook = rateGuard(warmup(1), 1e-3, (code, message) => told.push(`${code}: ${message}`))
    await hook.afterStep(done(1, 2, { total: 1 }))
    expect(told).toEqual([
      'zero-rate: the learning rate is 0 at the only step: nothing is learned; look at schedule.warmup and train.steps',
    ])
  })

  test.each([2, 3, 100, 1_000_000])('of %i steps with a warm-up is not', (total) => {
    expect(isZeroThroughout(warmup(1), total, 1e-3)).toBe(false)
    expect(isZeroThroughout(warmup(10), total, 1e-3)).toBe(false)
    expect(isZeroThroughout({ at: () => 0 }, total, 1e-3)).toBe(true)
  })
})

describe('parameters that do not change', () => {
  const holder = (values: () => number): Pick<Executor, 'trained' | 'read'> => ({
    trained: async () => [{ name: 'a', shape: [2, 2], state: [] }],
    read: async () => Float32Array.of(1, 2, 3, values()),
  })

  async function told(
    values: () => number,
    rates: readonly number[],
    torn = false,
  ): Promise<readonly string[]> {
    const list: string[] = []
    const make = () =>
      unchangedGuard(holder(values), 1e-3, (code, message) => list.push(`${code}: ${message}`))
    let hook = make()
    for (const [i, lr] of rates.entries()) {
      await hook.afterStep(done(i + 1, 2, { lr, total: rates.length }))
      const saved = hook.save!()
      if (torn) hook = make()
      if (torn) hook.load!(JSON.parse(JSON.stringify(saved)))
    }
    return list
  }

  test('are told after three steps with a rate worth the name', async () => {
    const rates = [0, 1e-5, 1e-3, 1e-3, 1e-3, 1e-3]
    const expected = [expect.stringMatching(/^unchanged: no parameter changed in 3 steps up to step 5, /)]
    expect(await told(() => 4, rates)).toEqual(expected)
    expect(await told(() => 4, rates, true)).toEqual(expected)
  })

  test('are told at the end of a shorter run, and not where the rate is next to nothing', async () => {
    expect(await told(() => 4, [1e-3, 1e-3])).toHaveLength(1)
    expect(await told(() => 4, [1e-3])).toEqual([])
    expect(await told(() => 4, [1e-5, 1e-5, 1e-5, 1e-5, 1e-5])).toEqual([])
  })

  test('tell nothing once one of them does', async () => {
    let value = 4
    expect(await told(() => value++, [1e-3, 1e-3, 1e-3, 1e-3, 1e-3])).toEqual([])
  })
})
