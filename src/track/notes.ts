/** @file What a person says of a run: tags and a note, in `notes.json` of its folder. */
import { join } from 'node:path'
import { writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'
import { isObject } from '../util/json-object.ts'
import { stringify } from './json.ts'
import { readObject } from './read/files.ts'

export const NOTES = 'notes.json'
const MOST_TAGS = 50
const LONGEST_TAG = 60
const LONGEST_NOTE = 10_000

export interface Notes {
  readonly tags: readonly string[]
  readonly note: string
}

const NONE: Notes = { tags: [], note: '' }

/** None where there is no file or it is damaged. */
export async function readNotes(folder: string): Promise<Notes> {
  const read = await readObject(folder, NOTES)
  if (!read.ok) return NONE
  const { tags, note } = read.value
  return {
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    note: typeof note === 'string' ? note : '',
  }
}

/**
 * Replaces tags, note or both.
 * @throws InputError for a tag that is empty, too long or has a comma, too many tags, or too long a note
 */
export async function writeNotes(folder: string, change: Partial<Notes>): Promise<Notes> {
  const before = await readNotes(folder)
  const notes: Notes = { ...before, ...change, tags: checkTags(change.tags ?? before.tags) }
  if (notes.note.length > LONGEST_NOTE) {
    throw new InputError(`the note has ${notes.note.length} characters; at most ${LONGEST_NOTE} are kept`)
  }
  await writeAtomically(join(folder, NOTES), (draft) => draft.write(`${stringify(notes, 2)}\n`))
  return notes
}

function checkTags(tags: readonly string[]): readonly string[] {
  const unique = [...new Set(tags.map((tag) => tag.trim()))]
  for (const tag of unique) {
    if (tag === '' || tag.length > LONGEST_TAG || tag.includes(',')) {
      const shown = JSON.stringify(tag.slice(0, LONGEST_TAG))
      throw new InputError(`tag ${shown}: a tag has 1 to ${LONGEST_TAG} characters and no comma`)
    }
  }
  if (unique.length > MOST_TAGS) throw new InputError(`a run has at most ${MOST_TAGS} tags`)
  return unique
}

/** The tags and the note of a request; undefined where it is anything else. */
export function asNotes(value: unknown): Partial<Notes> | undefined {
  if (!isObject(value)) return undefined
  const { tags, note } = value
  const goodTags = tags === undefined || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))
  if (!goodTags || !(note === undefined || typeof note === 'string')) return undefined
  return { ...(tags ? { tags } : {}), ...(note === undefined ? {} : { note }) }
}
