/** @file A short name for a run in an address: ids are long, and a view may show hundreds. Pure. */

/** 11 letters and digits that follow from the id alone (53 bits, two interleaved multiplicative hashes). */
export function runKey(id: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  const hash = 4294967296 * (b & 0x1fffff) + (a >>> 0)
  return hash.toString(36).padStart(11, '0')
}
