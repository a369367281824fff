/** @file A process that tries to take over each of many runs, all at the same moment as others do. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunLock } from '../../src/track/run-lock.ts'

const [root, start] = process.argv.slice(2) as [string, string]
const folders = readdirSync(root).map((name) => join(root, name))
while (Date.now() < Number(start));
const held: RunLock[] = []
for (const folder of folders) {
  try {
    const lock = await RunLock.take(folder)
    held.push(lock)
    writeFileSync(join(folder, `won-${process.pid}`), '')
  } catch (error) {
    if ((error as Error).name !== 'InputError') throw error
  }
}
process.stdout.write(`${held.filter((lock) => lock.held()).length}\n`)
// Owners stay alive until all have tried.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
