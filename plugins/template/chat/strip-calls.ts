/**
 * @file `text.strip('\n')` in a template: the Jinja library knows the methods strip, lstrip and rstrip, but trims all
 * white space whatever they are told to. A call with an argument is turned into one of a function of ours.
 */

type Node = Record<string, unknown>

const METHODS = ['strip', 'lstrip', 'rstrip'] as const
type Method = (typeof METHODS)[number]

/** Functions to be given to the template under these names. */
export const STRIP_FUNCTIONS: Readonly<Record<string, (text: string, characters: string) => string>> =
  Object.freeze(
    Object.fromEntries(
      METHODS.map((method) => [
        functionName(method),
        (text: string, characters: string) => strip(method, text, characters),
      ]),
    ),
  )

/** Changes the parsed template in place. */
export function replaceStripCalls(node: unknown): void {
  if (typeof node !== 'object' || node === null) return
  const call = node as Node
  const method = call.type === 'CallExpression' ? methodOf(call.callee as Node) : undefined
  if (method !== undefined && (call.args as unknown[]).length === 1) {
    call.args = [(call.callee as Node).object, ...(call.args as unknown[])]
    call.callee = { type: 'Identifier', value: functionName(method) }
  }
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) replaceStripCalls(child)
}

function methodOf(callee: Node): Method | undefined {
  if (callee.type !== 'MemberExpression' || callee.computed === true) return undefined
  return METHODS.find((method) => method === (callee.property as Node).value)
}

function functionName(method: Method): string {
  return `__${method}_characters`
}

/** As Python's str methods: every character of `characters` is trimmed, in any order. */
function strip(method: Method, text: string, characters: string): string {
  const set = new Set(characters)
  const chars = [...text]
  let [start, end] = [0, chars.length]
  if (method !== 'rstrip') while (start < end && set.has(chars[start]!)) start++
  if (method !== 'lstrip') while (end > start && set.has(chars[end - 1]!)) end--
  return chars.slice(start, end).join('')
}
