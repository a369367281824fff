/** @file Agents on a shared folder: who takes a job, what becomes of one whose process or whose agent is gone. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { TrialJob } from '../../src/plugin/contract.ts'
import { runAgent } from '../../src/sweep/agent.ts'
import { readClaim, readResult, writeSheet } from '../../src/sweep/board.ts'
import { isGone, markGone, WorkQueue } from '../../src/sweep/work-queue.ts'
import { TOY_COMMAND, toyFolder } from './toy.ts'

function put(folder: string, name: string, how: string): TrialJob {
  const file = path.join(folder, 'trials', name, '1.json')
  writeSheet(file, {
    version: 1,
    sweep: 'cafe',
    trial: name,
    attempt: 1,
    recipe: '',
    cwd: folder,
    watch: 'holdout.loss',
    overrides: ['x=2', `how="${how}"`],
    runsDir: path.join(folder, 'runs'),
    beat: 1,
    metric: { name: 'holdout.loss', goal: 'minimize', take: 'last' },
  })
  const job = {
    id: `cafe-${name}-1`,
    file,
    command: [...TOY_COMMAND, 'trial', file],
    log: file.replace('.json', '.log'),
  }
  new WorkQueue(folder).put(job)
  return job
}

it('takes one job after another, in order, and says of one whose process died that it is gone', async () => {
  const folder = toyFolder()
  const [first, second] = [put(folder, '0000-a', 'done'), put(folder, '0001-b', 'die')]
  expect(await runAgent(folder, { place: '12_0', trials: 2, idle: 5, look: 20 })).toBe(2)
  expect(readResult(first.file)).toMatchObject({ status: 'done', value: 4 })
  expect(readClaim(first.file)).toMatchObject({ place: '12_0' })
  expect(readResult(second.file)).toBeUndefined()
  expect(readFileSync(path.join(folder, 'trials/0001-b/1.gone'), 'utf8')).toBe('SIGKILL')
  expect([...new WorkQueue(folder).places()]).toEqual([
    ['cafe-0000-a-1', '12_0'],
    ['cafe-0001-b-1', '12_0'],
  ])
})

it('a job is taken by one of all who try', async () => {
  const folder = toyFolder()
  for (let i = 0; i < 20; i++) put(folder, `${1000 + i}-x`, 'done')
  const queues = Array.from({ length: 4 }, () => new WorkQueue(folder))
  const taken: string[] = []
  for (let round = 0; round < 6; round++)
    for (const [i, queue] of queues.entries()) {
      const job = queue.take(`p${i}`)
      if (job) taken.push(job.id)
    }
  expect(taken).toHaveLength(20)
  expect(new Set(taken).size).toBe(20)
  expect(queues[0]!.waiting()).toEqual([])
})

it('what it held before it was started again is given up, and it ends where there is no work', async () => {
  const folder = toyFolder()
  const queue = new WorkQueue(folder)
  const [held, ended, other] = [
    put(folder, '0-a', 'done'),
    put(folder, '1-b', 'done'),
    put(folder, '2-c', 'done'),
  ]
  for (const place of ['7_1', '7_1', '8_0']) queue.take(place)
  writeFileSync(
    ended.file.replace('.json', '.result.json'),
    '{ "status": "done", "metrics": {}, "seconds": 1 }',
  )
  expect(await runAgent(folder, { place: '7_1', idle: 0.05, look: 20 })).toBe(0)
  expect([isGone(held.file), isGone(ended.file), isGone(other.file)]).toEqual([true, false, false])
})

it('a signal stops its trial at the next step, and it takes no other', async () => {
  const folder = toyFolder()
  const [slow, next] = [put(folder, '0-a', 'slow'), put(folder, '1-b', 'done')]
  const timer = setInterval(() => {
    if (existsSync(slow.file.replace('.json', '.reports.jsonl'))) process.emit('SIGUSR1')
  }, 20)
  expect(await runAgent(folder, { place: 'x', idle: 5, look: 20 })).toBe(1)
  clearInterval(timer)
  expect(readResult(slow.file)).toMatchObject({ status: 'stopped', reason: 'SIGTERM' })
  expect(new WorkQueue(folder).waiting()).toEqual([next.id])
})

it('nobody waits for work that will not come', async () => {
  const folder = toyFolder()
  put(folder, '0-a', 'done')
  const queue = new WorkQueue(folder)
  queue.closeDown()
  expect(await runAgent(folder, { place: 'x', idle: 60, look: 20 })).toBe(0)
  queue.open()
  expect(queue.isOver()).toBe(false)
  markGone(path.join(folder, 'trials', '0-a', '1.json'), 'x')
})
