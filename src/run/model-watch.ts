/** @file Notices that a file which the run reads in place, such as the model's weights, is changed under it. */
import { stat } from 'node:fs/promises'
import { InputError } from '../util/errors.ts'

/** The files as they are now; `check` throws an InputError once one is not so any more. */
export async function watchFiles(files: readonly string[]): Promise<{ check(): Promise<void> }> {
  const before = new Map(
    await Promise.all([...new Set(files)].map(async (file) => [file, await stampOf(file)] as const)),
  )
  return {
    async check() {
      for (const [file, stamp] of before) {
        const now = await stampOf(file)
        if (now === stamp) continue
        const what = now === undefined ? 'is gone' : 'was changed'
        throw new InputError(
          `${file} ${what} while the run was reading it: what was trained since the last checkpoint cannot be trusted. Put the file back, then go on with \`medtune resume\``,
        )
      }
    },
  }
}

/** Undefined where there is no such file. */
async function stampOf(file: string): Promise<string | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found && [found.dev, found.ino, found.size, found.mtimeNs].join(':')
}
