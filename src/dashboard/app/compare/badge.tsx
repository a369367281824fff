/** @file The short name of a run in a comparison, in its colour; a click makes it the one to compare with. */
import { visibleLine } from '../../../util/visible.ts'
import { colorIndex, compared, nameAt } from '../state/runs.ts'
import { colorOf } from '../state/theme.ts'
import { change } from '../state/view.ts'
import './badge.css'

/** A, B, C, ...: short names for columns. */
export function letter(index: number): string {
  const rest = Math.floor(index / 26)
  return (rest > 0 ? letter(rest - 1) : '') + String.fromCharCode(65 + (index % 26))
}

/** Colour of the run at a place of the comparison. */
export function colorAt(index: number): string {
  return colorOf(colorIndex.value.get(compared.value[index] ?? '') ?? index)
}

export function Badge({ index }: { readonly index: number }) {
  const key = compared.value[index] ?? ''
  const name = visibleLine(nameAt(key))
  return (
    <button
      type="button"
      class="badge"
      style={{ '--color': colorAt(index) }}
      title={index === 0 ? `${name}: the others are compared with it` : `${name}: compare with this one`}
      onClick={() => change({ base: key })}
    >
      {letter(index)}
      <span class="hidden"> {name}</span>
    </button>
  )
}
