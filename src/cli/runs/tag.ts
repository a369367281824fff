/** @file `medtune runs tag` and `note`: what a person says of a run. */
import { type Notes, readNotes, writeNotes } from '../../track/notes.ts'
import { InputError } from '../../util/errors.ts'
import { visibleLine } from '../../util/visible.ts'
import { namedRun } from '../named-run.ts'

/** Adds tags, or with a leading `-` takes them away: `best -draft`. Without any, prints those the run has. */
export async function tag(word: string, changes: readonly string[], runsDir: string): Promise<number> {
  const folder = await namedRun(word, runsDir)
  const { tags } = await readNotes(folder)
  const gone = new Set(changes.filter((change) => change.startsWith('-')).map((change) => change.slice(1)))
  const added = changes.filter((change) => !change.startsWith('-'))
  const unknown = [...gone].filter((name) => !tags.includes(name))
  if (unknown.length > 0) {
    throw new InputError(`${word}: has no tag ${unknown.join(', ')}; it has: ${tags.join(', ') || 'none'}`)
  }
  const next = [...tags, ...added].filter((name) => !gone.has(name))
  return print(changes.length === 0 ? { tags, note: '' } : await writeNotes(folder, { tags: next }))
}

/** Replaces the note; without a text prints it. */
export async function note(word: string, text: string | undefined, runsDir: string): Promise<number> {
  const folder = await namedRun(word, runsDir)
  const { note: found } =
    text === undefined ? await readNotes(folder) : await writeNotes(folder, { note: text })
  process.stdout.write(found === '' ? '' : `${visibleLine(found)}\n`)
  return 0
}

function print({ tags }: Notes): number {
  process.stdout.write(tags.map((name) => `${visibleLine(name)}\n`).join(''))
  return 0
}
