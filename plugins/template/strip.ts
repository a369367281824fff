/** @file Python's idea of white space, which chat templates trim by and JavaScript's `trim` differs from. */

const SPACE =
  '\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const LEADING = new RegExp(`^[${SPACE}]+`)
const TRAILING_CHAR = new RegExp(`[${SPACE}]`)

/** The text without white space at both ends, as `str.strip()` of Python and the `trim` filter of Jinja give it. */
export function strip(text: string): string {
  const start = text.replace(LEADING, '')
  let end = start.length
  while (end > 0 && TRAILING_CHAR.test(start[end - 1]!)) end--
  return start.slice(0, end)
}
