/**
 * @file Text of unknown making, shown as text: what would move a cursor, colour a terminal, turn the direction
 * of reading round or hide is replaced by something that is seen.
 */

/** Control and format characters, but for newline, tab and what joins letters or emoji. */
const HIDDEN = /(?![\n\t\u00ad\u200c\u200d])[\p{Cc}\p{Cf}]/gu

/** ESC as ␛, other control characters as their pictures, invisible marks as ⟨U+202E⟩. Newline and tab stay. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0)!
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return code === 0x7f ? '\u2421' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/\r\n|\n|\r/g, ' ⏎ ').replaceAll('\t', ' '))
}

/** At most `length` characters, the end cut off with an ellipsis. */
export function shorten(text: string, length: number): string {
  return text.length <= length
    ? text
    : `${text.slice(0, Math.max(0, length - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}
