/** @file Which measurement is the best, and when patience ends. */
import { expect, test } from 'vitest'
import {
  type EarlyStoppingOptions,
  type EarlyStoppingState,
  earlyStoppingHook,
} from '../../src/train/early-stopping.ts'
import { measureHook, trainLossHook } from '../../src/train/measure.ts'
import { type Measurement, MetricWatch } from '../../src/train/metric-watch.ts'
import type { StepDone, Verdict } from '../../src/train/state.ts'

const done = (step: number, loss = 2, total = 100): StepDone => ({
  step,
  epoch: 0,
  total,
  loss,
  gradNorm: 1,
  lr: 1,
  tokens: 1,
  labelTokens: 1,
  seconds: 1,
})

/** Verdicts on values measured every ten steps; with `torn`, a new hook each time, from what the last one saved. */
async function verdicts(
  options: Partial<EarlyStoppingOptions>,
  values: readonly number[],
  { torn = false, better = 'lower' as 'lower' | 'higher' } = {},
) {
  const full = { metric: 'holdout.loss', min_delta: 0, ...options }
  const measured = (step: number) => (step % 10 === 0 ? { value: values[step / 10 - 1]!, better } : undefined)
  let hook = earlyStoppingHook(full, measured)
  const list: (Verdict | undefined)[] = []
  for (let step = 1; step <= 10 * values.length; step++) {
    const verdict = await hook.afterStep(done(step))
    if (step % 10 === 0) list.push(verdict)
    else expect(verdict).toBeUndefined()
    const saved = JSON.parse(JSON.stringify(hook.save!()))
    if (torn) hook = earlyStoppingHook(full, measured)
    if (torn) hook.load!(saved)
    if (verdict === 'stop') break
  }
  return { list, state: hook.save!() as EarlyStoppingState }
}

const no = undefined

test.each([
  [
    'stops after two measurements without improvement',
    { patience: 2 },
    [3, 2, 2.5, 2.2, 1],
    ['best', 'best', no, 'stop'],
  ],
  [
    'begins to wait anew with each improvement',
    { patience: 2 },
    [3, 4, 2, 4, 1, 4, 4],
    ['best', no, 'best', no, 'best', no, 'stop'],
  ],
  ['only keeps the best without patience', {}, [3, 4, 4, 4, 4, 2], ['best', no, no, no, no, 'best']],
  ['takes the same value for no improvement', { patience: 1 }, [3, 3], ['best', 'stop']],
  ['wants at least min_delta', { patience: 2, min_delta: 0.5 }, [3, 2.6, 2.5, 2], ['best', no, 'stop']],
  ['goes by the goal', { patience: 1, goal: 'maximize' as const }, [3, 4, 3.5], ['best', 'best', 'stop']],
  [
    'takes what is no number for no improvement',
    { patience: 2 },
    [Number.NaN, 3, Number.NaN, 2],
    [no, 'best', no, 'best'],
  ],
])('%s', async (_, options, values, expected) => {
  const plain = await verdicts(options, values)
  expect(plain.list).toEqual(expected)
  expect(await verdicts(options, values, { torn: true })).toEqual(plain)
})

test('what the evaluation calls better decides where no goal is given', async () => {
  const { list, state } = await verdicts({ patience: 1 }, [0.3, 0.5, 0.4], { better: 'higher' })
  expect(list).toEqual(['best', 'best', 'stop'])
  expect(state).toEqual({ best: { step: 20, value: 0.5 }, waited: 1, stopped: true })
})

test('a metric is the headline of an evaluation, or one of its scores', () => {
  const measurement: Measurement = {
    scores: { accuracy: 0.5, acc_norm: 0.7 },
    metric: 'accuracy',
    better: 'higher',
  }
  const read = (metric: string) => {
    const watch = new MetricWatch(metric)
    watch.note('other', 10, measurement)
    expect(watch.at(10)).toBeUndefined()
    watch.note('qa', 10, measurement)
    expect(watch.at(9)).toBeUndefined()
    return watch.at(10)
  }
  expect(read('qa')).toMatchObject({ value: 0.5, better: 'higher' })
  expect(read('qa.acc_norm')).toMatchObject({ value: 0.7 })
  expect(() => read('qa.f1')).toThrow('"qa" has no score "f1"; it has: accuracy, acc_norm')
})

test('measured is every few steps, and at the end where it is wanted', async () => {
  const at = async (atEnd: boolean) => {
    const steps: number[] = []
    const measure = async (): Promise<Measurement> => ({
      scores: { loss: 1 },
      metric: 'loss',
      better: 'lower',
    })
    const hook = measureHook({ name: 'x', every: 4, atEnd }, measure, (step) => void steps.push(step))
    for (let step = 1; step <= 10; step++) await hook.afterStep(done(step, 2, 10))
    return steps
  }
  expect(await at(true)).toEqual([4, 8, 10])
  expect(await at(false)).toEqual([4, 8])
})

test('the training loss is the mean since it was last told, also over a resume', async () => {
  const run = async (torn: boolean) => {
    const told: [number, number][] = []
    const make = () => trainLossHook(3, (step, { scores }) => void told.push([step, scores.loss!]))
    let hook = make()
    for (const [i, loss] of [1, 2, 6, 4, Number.NaN, 6, 8].entries()) {
      await hook.afterStep(done(i + 1, loss, 7))
      const saved = JSON.parse(JSON.stringify(hook.save!()))
      if (torn) hook = make()
      if (torn) hook.load!(saved)
    }
    return told
  }
  expect(await run(false)).toEqual([
    [3, 3],
    [6, 5],
    [7, 8],
  ])
  expect(await run(true)).toEqual(await run(false))
})
