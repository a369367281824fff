/** @file What may happen to a file: bits flip, parts go, come twice or move, and tokens appear that a parser trips over. */
import fc from 'fast-check'

type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'copy'; readonly at: number; readonly length: number; readonly to: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'replace'; readonly at: number; readonly length: number; readonly text: string }
  | { readonly kind: 'truncate'; readonly at: number }

/** A place as a share of the file, so that it shrinks with it. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 400 }))

/** Values that are legal somewhere and a trap elsewhere. */
const TRAPS = [
  '__proto__',
  'constructor',
  'prototype',
  'NaN',
  'Infinity',
  '1e999',
  '-0',
  '9007199254740993',
  '99999999999999999999',
  '-1',
  '0x10',
  '1_000',
  'null',
  'true',
  '""',
  '{}',
  '[]',
  '\\u0000',
  '\u0000',
  '\ud83d\ude00',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\r\n',
  '\t',
  '../../x',
  '/etc/passwd',
  'C:\\x',
]

/** Up to eight mutations, mostly one; `tokens` are those of the file's own language. */
export function mutations(tokens: readonly string[]): fc.Arbitrary<readonly Mutation[]> {
  const text = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...tokens, ...TRAPS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...tokens), fc.nat(3000)).map(([t, n]) => t.repeat(n)) },
  )
  const one = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('set' as const), at: place, value: fc.nat(255) }),
    fc.record({ kind: fc.constant('cut' as const), at: place, length }),
    fc.record({ kind: fc.constant('copy' as const), at: place, length, to: place }),
    fc.record({ kind: fc.constant('insert' as const), at: place, text }),
    fc.record({ kind: fc.constant('replace' as const), at: place, length, text }),
    fc.record({ kind: fc.constant('truncate' as const), at: place }),
  )
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(one, { maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(one, { maxLength: 8 }) },
  )
}

/** The bytes with each mutation applied in turn. */
export function mutate(bytes: Buffer, list: readonly Mutation[]): Buffer {
  return list.reduce(applyOne, bytes)
}

function applyOne(bytes: Buffer, mutation: Mutation): Buffer {
  const at = Math.floor(mutation.at * bytes.length)
  const splice = (start: number, removed: number, added: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, start), added, bytes.subarray(start + removed)])
  switch (mutation.kind) {
    case 'flip':
    case 'set': {
      const copy = Buffer.from(bytes)
      if (bytes.length > 0)
        copy[at] = mutation.kind === 'set' ? mutation.value : copy[at]! ^ (1 << mutation.bit)
      return copy
    }
    case 'cut':
      return splice(at, mutation.length, Buffer.alloc(0))
    case 'copy':
      return splice(Math.floor(mutation.to * bytes.length), 0, bytes.subarray(at, at + mutation.length))
    case 'insert':
      return splice(at, 0, Buffer.from(mutation.text))
    case 'replace':
      return splice(at, mutation.length, Buffer.from(mutation.text))
    case 'truncate':
      return bytes.subarray(0, at)
    default:
      return mutation satisfies never
  }
}
