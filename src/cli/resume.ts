/** @file `medtune resume`: an interrupted run, gone on with in its own folder. */
import { basename, resolve } from 'node:path'
import { type AttendFlags, attend } from './attend.ts'
import { namedRun } from './named-run.ts'

export interface ResumeFlags extends AttendFlags {
  readonly runsDir: string
}

export async function resume(
  word: string,
  overrides: readonly string[],
  flags: ResumeFlags,
): Promise<number> {
  const folder = await namedRun(word, flags.runsDir)
  return attend(basename(resolve(folder)), flags, async (listeners) => {
    const engine = await import('../run.ts')
    return engine.resume(folder, overrides, listeners)
  })
}
