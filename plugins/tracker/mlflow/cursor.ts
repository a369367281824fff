/** @file How far a run was sent, kept in the run's own folder, so that a later process goes on where one stopped. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Cursor {
  readonly uri: string
  readonly experiment: string
  readonly run_id: string
  /** The run that it is a child of: the one of its sweep, or one that the environment named. */
  readonly parent?: { readonly id: string; readonly from: 'sweep' | 'environment' }
  /** Where the server keeps the run's artifacts. */
  readonly artifacts: string
  /** The last step whose figures were sent: a resumed run says the same steps again. */
  readonly step: number
  /** The last step at which each evaluation was sent. */
  readonly evals: Readonly<Record<string, number>>
  /** How often each metric was no finite number. */
  readonly nan: Readonly<Record<string, number>>
  /** Whether figures behind these were on their way: they may have arrived. */
  readonly sending: boolean
}

const file = (folder: string): string => join(folder, '.sync', 'mlflow.json')

/** Undefined where the run was never sent, or where the record of it is damaged. */
export async function readCursor(folder: string): Promise<Cursor | undefined> {
  try {
    const cursor = JSON.parse(await readFile(file(folder), 'utf8')) as Cursor
    return typeof cursor.run_id === 'string' && Number.isSafeInteger(cursor.step) ? cursor : undefined
  } catch {
    return undefined
  }
}

export async function writeCursor(folder: string, cursor: Cursor): Promise<void> {
  const target = file(folder)
  await mkdir(dirname(target), { recursive: true })
  const draft = `${target}.${process.pid}.tmp`
  await writeFile(draft, `${JSON.stringify(cursor, null, 2)}\n`)
  await rename(draft, target)
}
