/** @file Whether a file name that a server sent may become a path on this machine, whatever the machine is. */
import { InputError } from '../util/errors.ts'

/** Names that Windows gives to devices, with or without an extension. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i
/** Characters that look like a slash or a dot and that some file systems or tools fold into one. */
const LOOKALIKE = /[\u2024\u2025\u2044\u2215\u2216\u29f5\u29f8\uff0e\uff0f\uff3c\ufe52]/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const FORBIDDEN = /[\u0000-\u001f\u007f\\:*?"<>|]/
const ENCODED = /%(2e|2f|5c|00)/i

/** Why `name`, a path with forward slashes, is not a plain path below a folder under POSIX and Windows rules; undefined if it is. */
export function unsafeName(name: string): string | undefined {
  if (name.length === 0 || name.length > 1024) return `has ${name.length} characters`
  if (FORBIDDEN.test(name)) return 'has a character that is not allowed in file names everywhere'
  if (ENCODED.test(name)) return 'has an escaped dot or slash in it'
  if (LOOKALIKE.test(name)) return 'has a character that can be taken for a dot or slash'
  for (const part of name.split('/')) {
    const problem = unsafePart(part)
    if (problem !== undefined) return problem
  }
  return undefined
}

function unsafePart(part: string): string | undefined {
  if (part === '') return 'is absolute or has an empty part'
  if (part === '..' || part === '.') return `has a "${part}" in it`
  if (/^ |[. ]$/.test(part)) return 'has a part that begins with a space or ends with a dot or a space'
  if (part.toLowerCase() === '.git') return 'lies in a .git folder'
  if (DEVICE.test(part)) return `has the name of a Windows device (${part})`
  if (Buffer.byteLength(part) > 255) return 'has a part of more than 255 bytes'
  return undefined
}

/** Throws an InputError where one of the names is unsafe, or two differ in case only. `source` says who sent them. */
export function checkNames(source: string, names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const problem = unsafeName(name)
    if (problem !== undefined) {
      throw new InputError(`${source}: refuses the file name ${JSON.stringify(shown(name))}: it ${problem}`)
    }
    const folded = name.normalize('NFC').toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined)
      throw new InputError(`${source}: the file names ${other} and ${name} differ in case only`)
    seen.set(folded, name)
  }
}

function shown(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}...` : name
}
