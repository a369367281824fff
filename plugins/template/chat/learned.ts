/** @file Which part of a rendered conversation the model is to write, found by rendering its beginnings. */
import { InputError } from 'medtune/plugin'
import type { Message, RenderChat } from './jinja.ts'
import type { ControlPattern } from './stand-ins.ts'

/** Half-open range of characters. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** From where the model begins to write turn `index` of the rendering `full` to the end of that turn. */
export function learnedRange(
  messages: readonly Message[],
  index: number,
  full: string,
  render: RenderChat,
  controls: ControlPattern,
): Range {
  const opening = render(messages.slice(0, index), true)
  if (!full.startsWith(opening)) {
    throw new InputError(
      `cannot be learned at turn ${index + 1}: the model's chat template opens this turn otherwise when the model is to write it (add_generation_prompt) than when it is written`,
    )
  }
  const start = opening.length
  const whole = index === messages.length - 1 ? full : render(messages.slice(0, index + 1), false)
  const end = full.startsWith(whole)
    ? whole.length
    : endInContext(messages[index]!, start, full, whole, controls)
  if (end === undefined) throw unstable(index)
  return { start, end }
}

/**
 * Some templates write an earlier turn otherwise than the last one: without its thinking, or without the end of the
 * whole text. Then the turn is its content and as much of what closes it, piece by piece, as stands there too.
 */
function endInContext(
  { content }: Message,
  start: number,
  full: string,
  whole: string,
  { any }: ControlPattern,
): number | undefined {
  for (const written of [content, content.trim()]) {
    const at = whole.lastIndexOf(written)
    if (at < 0 || !full.startsWith(written, start)) continue
    const tail = whole.slice(at + written.length)
    let end = start + written.length
    let closed = false
    for (const [i, piece] of (any === undefined ? [tail] : tail.split(any)).entries()) {
      if (!full.startsWith(piece, end)) break
      end += piece.length
      closed ||= i % 2 === 1
    }
    if (closed) return end
  }
  return undefined
}

function unstable(index: number): InputError {
  return new InputError(
    `cannot be learned at turn ${index + 1}: the model's chat template writes this turn otherwise once the conversation goes on; set template.loss_on=last to learn the last turn only`,
  )
}
