/** @file The short name of a run in a comparison, in its colour. */
import { colorOf } from '../state/theme.ts'

/** A, B, C, ...: short names for columns. */
export function letter(index: number): string {
  const rest = Math.floor(index / 26)
  return (rest > 0 ? letter(rest - 1) : '') + String.fromCharCode(65 + (index % 26))
}

export function Badge({ index }: { readonly index: number }) {
  return (
    <span class="badge" style={{ '--color': colorOf(index) }}>
      {letter(index)}
    </span>
  )
}
