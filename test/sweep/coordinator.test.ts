/** @file The coordinator on trials without a model: ends, failures, losses, early ends, limits, and going on. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { beside, claim, fence, readClaim, readReports, report } from '../../src/sweep/board.ts'
import { asha } from '../../src/sweep/pruners/asha.ts'
import { random } from '../../src/sweep/samplers/random.ts'
import { readSweep } from '../../src/track/sweep-journal.ts'
import { countTrials, ranking } from '../../src/track/sweep-trials.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { InProcess, localExecutor, runToy, toyFolder, toySpace } from './toy.ts'

const brief = (trials: readonly { index: number; status: string; value?: number; attempt: number }[]) =>
  trials.map(({ index, status, value, attempt }) => [index, status, value, attempt])

it('runs every trial once and ranks them by their last value', async () => {
  const { outcome, trials, header, end } = await runToy({ space: toySpace([3, 1, 2]) })
  expect(outcome).toEqual({ status: 'done', reason: 'all 3 trials were run' })
  expect(end).toMatchObject(outcome)
  expect(brief(trials)).toEqual([
    [0, 'done', 9, 1],
    [1, 'done', 1, 1],
    [2, 'done', 4, 1],
  ])
  expect(ranking({ header, trials }).map(({ index }) => index)).toEqual([1, 2, 0])
  expect(trials[0]).toMatchObject({
    id: expect.stringMatching(/^0000-[0-9a-f]{8}$/),
    params: { x: 3, how: 'done' },
  })
  expect(trials[0]!.reports).toHaveLength(10)
  expect(trials[0]!.metrics).toMatchObject({ 'holdout.loss': 9, 'train.loss': 3, seconds: 0.02 })
})

it('maximizes, and takes the best value where it is asked to', async () => {
  const { header, trials } = await runToy({
    space: toySpace([3, 1]),
    metric: { goal: 'maximize', take: 'best' },
  })
  expect(ranking({ header, trials }).map(({ value }) => value)).toEqual([18, 10])
})

it('a failed trial is tried again as often as it may, says why, and stops no other', async () => {
  const { trials, outcome } = await runToy({
    space: toySpace([1, 2], ['done', 'fail']),
    limits: { retries: 2 },
  })
  expect(outcome.status).toBe('done')
  expect(countTrials(trials)).toMatchObject({ done: 2, failed: 2 })
  expect(trials.filter(({ status }) => status === 'failed')).toMatchObject([
    {
      attempt: 3,
      failures: 3,
      losses: 0,
      reason: 'the toy is broken',
      run: expect.stringMatching(/^runs\/0001-/),
    },
    { attempt: 3 },
  ])
})

it('NaN, and a metric that was never measured, are failures with a reason', async () => {
  const { trials, header } = await runToy({ space: toySpace([1], ['nan', 'silent', 'done']) })
  expect(trials.map(({ status, reason }) => [status, reason])).toEqual([
    ['failed', 'holdout.loss is NaN'],
    ['failed', 'the run did not measure "holdout.loss"; it has: seconds, train.loss_last, train.loss'],
    ['done', undefined],
  ])
  expect(ranking({ header, trials })).toHaveLength(1)
})

it('a trial whose process dies is given away again; one that always dies is given up', async () => {
  const folder = toyFolder()
  const { trials } = await runToy({
    space: toySpace([1], ['die-once', 'die', 'done']),
    executor: localExecutor(folder),
    limits: { workers: 2 },
    folder: await begun(folder, ['die-once', 'die', 'done']),
  })
  expect(brief(trials)).toEqual([
    [0, 'done', 1, 2],
    [1, 'failed', undefined, 5],
    [2, 'done', 1, 1],
  ])
  expect(trials[0]).toMatchObject({ losses: 1, failures: 0 })
  expect(trials[1]).toMatchObject({ losses: 5, reason: 'its process ended without a result' })
}, 60_000)

/** A sweep in `folder` that was begun and has no trial yet. */
async function begun(folder: string, hows: readonly string[]): Promise<string> {
  const { folder: made } = await runToy({ space: toySpace([1], hows), limits: { trials: 0 } })
  writeFileSync(path.join(folder, 'sweep.jsonl'), readFileSync(path.join(made, 'sweep.jsonl')))
  return folder
}

it('early ends: what is not among the best at a rung stops there, and is no winner', async () => {
  const { trials, header } = await runToy({
    space: toySpace([1, 5, 6, 7], ['slow']),
    pruner: asha({ min_step: 2, eta: 2 }),
    limits: { workers: 1 },
  })
  expect(brief(trials).map(([, status]) => status)).toEqual(['done', 'pruned', 'pruned', 'pruned'])
  expect(trials[1]!.reason).toBe('at rung 2 it is number 2 of 2, and 1 of them go on')
  expect(trials[1]!.reports.length).toBeLessThan(10)
  expect(trials[1]!.value).toBe(trials[1]!.reports.at(-1)!.value)
  expect(ranking({ header, trials })).toHaveLength(1)
})

it('ends at its target, after failures in a row, when the time is up, when nothing new is left', async () => {
  const one = { limits: { workers: 1 } }
  const target = await runToy({ space: toySpace([3, 1, 2]), metric: { target: 2 }, ...one })
  expect(target.trials).toHaveLength(2)
  expect(target.outcome.reason).toMatch(/^trial 0001-.* reached the target, 2$/)
  const failing = await runToy({
    space: toySpace([1, 2, 3, 4], ['fail']),
    limits: { workers: 1, maxFailures: 2 },
  })
  expect([failing.trials.length, failing.outcome]).toEqual([
    2,
    { status: 'failed', reason: 'the last 2 trials failed, and max_failures is 2' },
  ])
  const late = await runToy({ space: toySpace([1, 2, 3]), limits: { workers: 1, seconds: 0.01 } })
  expect(late.outcome.reason).toBe('the time is up')
  expect(late.trials.length).toBeLessThan(3)
  const small = await runToy({ space: toySpace([1, 2]), sampler: random, limits: { trials: 10 } })
  expect(small.outcome.reason).toBe('every combination of values was tried')
  expect(small.trials).toHaveLength(2)
})

it('stops when it is told to, and goes on without losing or repeating a trial', async () => {
  const controller = new AbortController()
  const first = await runToy({
    space: toySpace([1, 2, 3, 4], ['slow']),
    signal: controller.signal,
    onEvent: (event) =>
      event.type === 'report' && event.step === 4 && controller.abort(new Stopped('SIGINT')),
  })
  expect(first.outcome).toEqual({ status: 'stopped', reason: 'SIGINT' })
  expect(first.trials.map(({ status, reason }) => [status, reason])).toEqual([
    ['waiting', 'the sweep asked it to stop'],
    ['waiting', 'the sweep asked it to stop'],
  ])
  const second = await runToy({ folder: first.folder, space: toySpace([1, 2, 3, 4], ['slow']) })
  expect(brief(second.trials)).toEqual([
    [0, 'done', 1, 2],
    [1, 'done', 4, 2],
    [2, 'done', 9, 1],
    [3, 'done', 16, 1],
  ])
})

it('takes in what ended while nobody looked, and gives away what was never begun', async () => {
  const space = toySpace([1, 2, 3])
  const executor = new InProcess()
  // The first session dies right after it handed out its trials: nothing of them is in the journal.
  const dead = new Error('power cut')
  executor.poll = async () => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    throw dead
  }
  const folder = toyFolder()
  await expect(runToyIn(folder, space, executor)).rejects.toBe(dead)
  expect(brief(readSweep(folder).trials)).toEqual([
    [0, 'running', undefined, 1],
    [1, 'running', undefined, 1],
  ])
  // A third one was asked for and started, says the journal, but its process was never born; then a torn line.
  const time = new Date().toISOString()
  const lines = [
    { type: 'ask', time, trial: '0002-feedbeef', index: 2, params: { x: 3, how: 'done' } },
    { type: 'start', time, trial: '0002-feedbeef', attempt: 1, executor: 'toy' },
  ]
  appendFileSync(path.join(folder, 'sweep.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  appendFileSync(path.join(folder, 'sweep.jsonl'), '{"type":"tell","trial":"0002-fee')
  const later = new InProcess()
  const { trials } = await runToy({ folder, space, executor: later })
  expect(brief(trials)).toEqual([
    [0, 'done', 1, 1],
    [1, 'done', 4, 1],
    [2, 'done', 9, 2],
  ])
  expect(later.submitted).toEqual(['cafe0123-0002-feedbeef-2'])
  // The coordinator that died may have been the reason.
  expect(trials[2]).toMatchObject({ losses: 0 })
  expect(readClaim(path.join(folder, 'trials/0002-feedbeef/1.json'))).toMatchObject({ fenced: true })
})

it('a coordinator that dies again and again costs no trial, however often it was begun', async () => {
  const space = toySpace([1, 2])
  const executor = new InProcess()
  const dead = new Error('power cut')
  executor.submit = async () => {
    throw dead
  }
  const folder = toyFolder()
  await expect(runToyIn(folder, space, executor)).rejects.toBe(dead)
  for (let session = 2; session <= 7; session++)
    await expect(runToy({ folder, space, executor })).rejects.toBe(dead)
  const { trials, outcome } = await runToy({ folder, space })
  expect(outcome.status).toBe('done')
  expect(brief(trials)).toEqual([
    [0, 'done', 1, 8],
    [1, 'done', 4, 8],
  ])
})

async function runToyIn(folder: string, space: ReturnType<typeof toySpace>, executor: InProcess) {
  const { folder: made } = await runToy({ space, limits: { trials: 0 } })
  writeFileSync(path.join(folder, 'sweep.jsonl'), readFileSync(path.join(made, 'sweep.jsonl')))
  return runToy({ folder, space, executor })
}

it('a worker elsewhere that gives no sign of life for longer than its lease is cut off', async () => {
  const executor = new InProcess()
  const submit = executor.submit.bind(executor)
  let first = true
  executor.submit = async (jobs) => {
    if (!first) return submit(jobs)
    first = false
    for (const { file } of jobs)
      writeFileSync(beside(file, 'claim'), JSON.stringify({ host: 'far-away', pid: 1, time: '' }))
  }
  executor.poll = async (jobs) => new Map(jobs.map(({ id }) => [id, 'unknown']))
  const { trials, folder } = await runToy({ space: toySpace([2]), executor, limits: { lease: 0.3 } })
  expect(brief(trials)).toEqual([[0, 'done', 4, 2]])
  expect(trials[0]).toMatchObject({ losses: 1 })
  // Should it come back, it finds that it is to end.
  expect(readFileSync(path.join(folder, 'trials', trials[0]!.id, '1.stop'), 'utf8')).toBe('stop')
})

it('an attempt is begun by one only, and never once it was called off', () => {
  const file = path.join(toyFolder(), 'trials', '1.json')
  expect([claim(file), claim(file), fence(file)]).toEqual([true, false, false])
  const other = path.join(toyFolder(), 'trials', '1.json')
  expect([fence(other), claim(other)]).toEqual([true, false])
  expect(existsSync(beside(other, 'claim'))).toBe(true)
})

it('a report that is still being written is read once it is whole', () => {
  const file = path.join(toyFolder(), 'trials', '1.json')
  report(file, { step: 1, value: 2 })
  appendFileSync(beside(file, 'reports.jsonl'), '{"step":2,')
  expect(readReports(file, 0)).toEqual([{ step: 1, value: 2 }])
  appendFileSync(beside(file, 'reports.jsonl'), '"value":"NaN"}\n')
  expect(readReports(file, 1)).toEqual([{ step: 2, value: Number.NaN }])
})
