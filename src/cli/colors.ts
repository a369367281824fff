/** @file Colours for a stream that wants them: a terminal, unless NO_COLOR is set. */
import type { WriteStream } from 'node:tty'
import pc from 'picocolors'

/** picocolors looks at stdout alone; problems go to stderr. */
export function colorsFor(stream: Partial<Pick<WriteStream, 'isTTY'>>): ReturnType<typeof pc.createColors> {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
  return pc.createColors(!NO_COLOR && (forced || (stream.isTTY === true && TERM !== 'dumb')))
}
