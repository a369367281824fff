/** @file Text of unknown making: always text, with what cannot be seen made visible, and cut where it is long. */
import { useState } from 'preact/hooks'
import { visible, visibleLine } from '../../../util/visible.ts'
import type { Text as CutText } from '../../shared/wire.ts'
import './text.css'

/** One line, its direction kept to itself. */
export function Line({ text }: { readonly text: string }) {
  return <bdi>{visibleLine(text)}</bdi>
}

const FIRST = 1200

/** Several lines; long ones are cut until they are asked for. */
export function Block({ text, whole, more }: CutText & { readonly more?: () => Promise<string> }) {
  const [full, setFull] = useState<string | undefined>(undefined)
  const now = full ?? text.slice(0, FIRST)
  const size = whole ?? text.length
  const show = async (): Promise<void> => setFull(whole !== undefined && more ? await more() : text)
  return (
    <div class="block" dir="auto">
      {visible(now)}
      {full === undefined && size > FIRST && (
        <button type="button" class="link" onClick={show}>
          show all {size.toLocaleString('en-US')} characters
        </button>
      )}
    </div>
  )
}
