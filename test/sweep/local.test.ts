/** @file Processes of this machine: their share of the cores, their GPU, their end. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { TrialJob } from '../../src/plugin/contract.ts'
import { coresOf, LocalExecutor, parseCores } from '../../src/sweep/executors/local.ts'
import { toyFolder } from './toy.ts'

const SHOW = `console.log(process.env.CUDA_VISIBLE_DEVICES, process.env.MEDTUNE_SLOT);
  console.log(require('fs').readFileSync('/proc/self/status', 'utf8').match(/Cpus_allowed_list:\\s*(\\S+)/)[1])`

function job(folder: string, name: string): TrialJob {
  const file = path.join(folder, `${name}.json`)
  return { id: name, file, command: [process.execPath, '-e', SHOW], log: path.join(folder, `${name}.log`) }
}

it.skipIf(!existsSync('/proc/self/status'))(
  'each gets a slot, a GPU and cores of its own, and is seen to end',
  async () => {
    const folder = toyFolder()
    const site = { sweep: 's', folder, workers: 2, lease: 5, adaptive: false, medtune: [] }
    const executor = new LocalExecutor({ cpus: 0, gpus: [3, 5] }, site)
    const jobs = [job(folder, 'a'), job(folder, 'b')]
    await executor.submit(jobs)
    expect([...(await executor.poll(jobs)).values()]).toEqual(['running', 'running'])
    while ([...(await executor.poll(jobs)).values()].includes('running'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    const lines = jobs.map(({ log }) => readFileSync(log, 'utf8').split('\n'))
    expect(lines.map(([first]) => first)).toEqual(['3 0', '5 1'])
    const [one, two] = lines.map(([, cores]) => parseCores(cores!))
    if (one!.length + two!.length > 2 || one![0] !== two![0])
      expect(one!.filter((core) => two!.includes(core))).toEqual([])
    expect(await executor.logs(jobs[0]!)).toContain('3 0')
  },
)

it('cores are shared out where there are enough of them', () => {
  expect([0, 1, 2].map((slot) => coresOf([0, 1, 2, 3], slot, 2, 0))).toEqual([
    [0, 1],
    [2, 3],
    [0, 1],
  ])
  expect(coresOf([4, 6, 8], 1, 2, 0)).toEqual([6])
  expect(coresOf([0, 1, 2, 3], 1, 2, 1)).toEqual([1])
  expect([coresOf([0, 1], 0, 1, 0), coresOf([0, 1], 0, 3, 0), coresOf([0, 1], 0, 2, 2)]).toEqual([[], [], []])
})
