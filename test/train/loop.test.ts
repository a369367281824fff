import { beforeAll, expect, test } from 'vitest'
import linear from '../../plugins/schedule/linear.ts'
import type { Batch } from '../../src/data/index.ts'
import { createScorer } from '../../src/eval/score.ts'
import type { CompiledProgram, Encoded, Executor, RunEventBody, Schedule } from '../../src/plugin/contract.ts'
import {
  DivergedError,
  type LoopOptions,
  type Trained as Outcome,
  tokensPerSecond,
  trainLoop,
} from '../../src/train/loop.ts'
import { measureHook } from '../../src/train/measure.ts'
import type { StepDone, StepHook } from '../../src/train/state.ts'
import { feedsFor, type Programs } from '../../src/train/step.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { documentOf, memorySplit } from '../helpers/memory-split.ts'
import { oracleExecutor } from '../helpers/oracle-executor.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

let programs: Programs
const documents: Encoded[] = [
  documentOf(20, 3, 1),
  documentOf(14, 9, 2),
  documentOf(31, 1, 3),
  documentOf(8, 6, 4),
  documentOf(25, 12, 5),
]
const options: LoopOptions = {
  epochs: 1,
  batch_size: 2,
  accumulate: 1,
  max_length: 64,
  pack: false,
  shuffle: false,
  clip: 1,
}
const schedule = linear.create(
  { warmup: 1 },
  { recipeDir: '', resolvePath: (path) => path, seed: 0, warn: () => {} },
) as Schedule

beforeAll(async () => {
  programs = (await tinyLora()).programs
})

const runBatch = async (compiled: CompiledProgram, batch: Batch, accumulate: boolean) => {
  const { rows, length, labels, ids, position, segment, branch, labelSlot, labelId, labelWeight } = batch
  const feeds = { ids, position, segment, branch, labelSlot, labelId, labelWeight, gain: Float32Array.of(1) }
  return compiled.run(feedsFor(programs.train, feeds), { rows, length, labels }, accumulate)
}

const holdoutHook = (every: number, loss: () => Promise<number>, emit: (event: RunEventBody) => void) =>
  measureHook(
    { name: 'holdout', every, atEnd: true },
    async () => ({ scores: { loss: await loss() }, metric: 'loss', better: 'lower' }),
    (step, { scores }) => emit({ type: 'eval', step, name: 'holdout', scores }),
  )

interface Trained {
  readonly executor: Executor
  readonly compiled: CompiledProgram
  readonly events: readonly RunEventBody[]
  readonly records: readonly StepDone[]
  readonly outcome: Outcome
}

async function trained(
  change: Partial<LoopOptions> & { readonly eval_every?: number; readonly hooks?: readonly StepHook[] },
  spoil: (executor: Executor) => Promise<void> = async () => {},
  events: RunEventBody[] = [],
  signal?: AbortSignal,
): Promise<Trained> {
  const executor = await oracleExecutor()
  const compiled = await executor.compile(programs.train)
  await spoil(executor)
  const scorer = createScorer(async (batch) => (await runBatch(compiled, batch, false)).logProb!)
  const holdoutLoss = async () => {
    const scores = await scorer.scoreDocuments(documents)
    return -scores.reduce((total, { sum }) => total + sum, 0) / 31
  }
  const { eval_every, hooks = [], ...changed } = change
  const emit = (event: RunEventBody) => void events.push(event)
  const outcome = await trainLoop({
    executor,
    run: async (batch) => (await runBatch(compiled, batch, true)).loss![0]!,
    split: memorySplit([documents]),
    options: { ...options, ...changed },
    seed: 1,
    lr: 0.05,
    schedule,
    hooks: [...(eval_every ? [holdoutHook(eval_every, holdoutLoss, emit)] : []), ...hooks],
    emit,
    ...(signal ? { signal } : {}),
  })
  return { executor, compiled, events, records: outcome.records, outcome }
}

const steps = (events: readonly RunEventBody[]) => events.filter((event) => event.type === 'step')
const names = (): string[] => programs.train.parameters.map(({ name }) => name)

test('accumulating equals one large batch: losses, gradient norms and parameters', async () => {
  const change = { steps: 3, batch_size: 1, accumulate: 4 }
  const [small, large] = [await trained(change), await trained({ steps: 3, batch_size: 4, accumulate: 1 })]
  expect(steps(small.events)).toHaveLength(3)
  steps(small.events).forEach((step, i) => {
    const other = steps(large.events)[i]!
    expect(step.loss).toBeCloseTo(other.loss, 5)
    expect(step.grad_norm).toBeCloseTo(other.grad_norm, 5)
    expect([step.tokens, step.label_tokens, step.lr]).toEqual([other.tokens, other.label_tokens, other.lr])
  })
  for (const name of names()) {
    const [a, b] = [await small.executor.read(name), await large.executor.read(name)]
    a.forEach((value, i) => {
      expect(Math.abs(value - b[i]!)).toBeLessThan(1e-4)
    })
  }
})

test('the loss of a step is the mean over its learned tokens, and training lowers it', async () => {
  const executor = await oracleExecutor()
  const compiled = await executor.compile(programs.train)
  const scorer = createScorer(async (batch) => (await runBatch(compiled, batch, false)).logProb!)
  const scores = await scorer.scoreDocuments(documents)
  const mean = -scores.reduce((total, { sum }) => total + sum, 0) / 31
  const { events, records } = await trained({ epochs: 6, batch_size: 5 })
  expect(steps(events)[0]!.loss).toBeCloseTo(mean, 5)
  expect(records.at(-1)!.loss).toBeLessThan(mean - 0.5)
})

test('each step tells the rate it used, its tokens and its epoch', async () => {
  const { events } = await trained({ epochs: 2 })
  expect(
    steps(events).map(({ step, epoch, tokens, label_tokens }) => [step, epoch, tokens, label_tokens]),
  ).toEqual([
    [1, 1, 34, 12],
    [2, 1, 39, 7],
    [3, 1, 25, 12],
    [4, 2, 34, 12],
    [5, 2, 39, 7],
    [6, 2, 25, 12],
  ])
  const rates = steps(events).map(({ lr }) => lr)
  ;[0, 0.05, 0.04, 0.03, 0.02, 0.01].forEach((rate, i) => {
    expect(rates[i]).toBeCloseTo(rate, 10)
  })
})

test('the holdout loss is taken every few steps and after the last', async () => {
  const { events } = await trained({ steps: 5, eval_every: 2 })
  const evals = events.filter((event) => event.type === 'eval')
  expect(evals.map(({ step, name }) => [step, name])).toEqual([
    [2, 'holdout'],
    [4, 'holdout'],
    [5, 'holdout'],
  ])
  expect(evals[2]!.scores.loss).toBeLessThan(evals[0]!.scores.loss!)
})

test('the same seed gives the same bits', async () => {
  const change = { steps: 4, shuffle: true, pack: true }
  const [one, two] = [await trained(change), await trained(change)]
  const plain = (run: Trained) => steps(run.events).map(({ seconds: _, ...rest }) => rest)
  expect(plain(one)).toEqual(plain(two))
  for (const name of names()) expect(await one.executor.read(name)).toEqual(await two.executor.read(name))
})

test('a loss that is no number stops the run after it is recorded', async () => {
  const events: RunEventBody[] = []
  const spoil = async (executor: Executor): Promise<void> => {
    const name = names()[0]!
    await executor.write(name, (await executor.read(name)).fill(Number.NaN))
  }
  const failure = await trained({ steps: 3 }, spoil, events).catch((error: Error) => error)
  expect(failure).toBeInstanceOf(DivergedError)
  expect(failure).toMatchObject({ message: expect.stringMatching(/first step.*own weights/) })
  expect(steps(events)).toHaveLength(1)
  expect(steps(events)[0]!.loss).toBeNaN()
})

test('a stop is heard between two micro-batches', async () => {
  const controller = new AbortController()
  const events: RunEventBody[] = []
  const push = events.push.bind(events)
  events.push = (...added) => {
    controller.abort(new Stopped('SIGINT'))
    return push(...added)
  }
  await expect(trained({ steps: 50 }, undefined, events, controller.signal)).rejects.toThrow(Stopped)
  expect(steps(events)).toHaveLength(1)
})

test('speed is the median after the first third', () => {
  const record = (tokens: number, seconds: number) => ({ tokens, seconds })
  const slow = [record(100, 50), record(100, 40)]
  expect(tokensPerSecond([...slow, record(100, 1), record(300, 1), record(100, 0.5), record(200, 4)])).toBe(
    150,
  )
  expect(tokensPerSecond([])).toBeNaN()
})

test('hooks see every step, keep what they know, and may end training or accept a step that diverged', async () => {
  const seen: number[] = []
  const hook: StepHook = {
    name: 'counter',
    afterStep({ step }) {
      seen.push(step)
      return step === 4 ? 'stop' : undefined
    },
    save: () => ({ count: seen.length }),
  }
  const { outcome } = await trained({ steps: 9, hooks: [hook] })
  expect(seen).toEqual([1, 2, 3, 4])
  expect(outcome.state).toMatchObject({ step: 4, ended: true, hooks: { counter: { count: 4 } } })
  const lenient: StepHook = { name: 'lenient', afterStep: () => 'go on' }
  const spoil = async (executor: Executor): Promise<void> => {
    const name = names()[0]!
    await executor.write(name, (await executor.read(name)).fill(Number.NaN))
  }
  const { executor, events } = await trained({ steps: 3, hooks: [lenient] }, spoil)
  expect(steps(events).map(({ loss }) => loss)).toEqual([Number.NaN, Number.NaN, Number.NaN])
  // No step changed anything: what was sound still is.
  const untouched = await oracleExecutor()
  await untouched.compile(programs.train)
  for (const name of names().slice(1)) expect(await executor.read(name)).toEqual(await untouched.read(name))
})

test('a stop is heard while the rows of the next step are still awaited', async () => {
  const controller = new AbortController()
  const split = { ...memorySplit([documents]), window: () => new Promise<never>(() => {}) }
  const executor = await oracleExecutor()
  const work = trainLoop({
    executor,
    split,
    options,
    schedule,
    seed: 1,
    lr: 0.1,
    emit: () => {},
    run: async () => 0,
    signal: controller.signal,
  })
  controller.abort(new Stopped('SIGTERM'))
  await expect(work).rejects.toThrow(Stopped)
})
