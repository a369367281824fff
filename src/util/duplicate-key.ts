/** @file The one thing JSON.parse hides: a key that an object has twice (the last one wins silently). */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs

/** The first key that some object of `json` repeats. `json` must be valid JSON. */
export function duplicateKey(json: string): string | undefined {
  const objects: (Set<string> | null)[] = []
  let text = ''
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{') objects.push(new Set())
    else if (token === '[') objects.push(null)
    else if (token === '}' || token === ']') objects.pop()
    else if (token === ':') {
      const key: string = JSON.parse(text)
      const keys = objects.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    } else if (token !== ',') text = token
  }
  return undefined
}
