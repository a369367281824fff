/**
 * @file A process that tries to take over runs, each at the moment at which others do: a line with a run's folder comes in,
 * whether it was won goes out. At the end of the lines it says how many it still holds, and dies.
 */
import { createInterface } from 'node:readline'
import { RunLock } from '../../src/track/run-lock.ts'

const held: RunLock[] = []
process.stdout.write('ready\n')
for await (const folder of createInterface({ input: process.stdin })) {
  try {
    held.push(await RunLock.take(folder))
    process.stdout.write('won\n')
  } catch (error) {
    if ((error as Error).name !== 'InputError') throw error
    process.stdout.write('lost\n')
  }
}
process.stdout.write(`${held.filter((lock) => lock.held()).length}\n`)
process.exit(0)
