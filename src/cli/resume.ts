/** @file `medtune resume`: an interrupted run, gone on with in its own folder. */
import { basename, resolve } from 'node:path'
import { type AttendFlags, attend } from './attend.ts'

export async function resume(
  folder: string,
  overrides: readonly string[],
  flags: AttendFlags,
): Promise<number> {
  return attend(basename(resolve(folder)), flags, async (listeners) => {
    const engine = await import('../run.ts')
    return engine.resume(folder, overrides, listeners)
  })
}
