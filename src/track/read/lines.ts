/**
 * @file Lines of a growing file, a piece at a time. Only what ends in a newline is a line: the rest is still
 * being written, or was torn off when its writer died.
 */
import type { FileHandle } from 'node:fs/promises'

const PIECE = 1 << 20
/** A longer line is passed over: it would have to be held in memory whole. */
const LONGEST = 16 << 20
const NEWLINE = 10

export interface LinesRead {
  /** Where the line after the last whole one begins. */
  readonly end: number
  /** Bytes behind it. */
  readonly torn: number
  /** Lines that were too long to read. */
  readonly skipped: number
}

/** Hears of one line: bytes `from` to `to`, without its newline, of a buffer that is used again afterwards. */
export type TakeLine = (bytes: Buffer, from: number, to: number) => void

/** Hands every whole line from byte `start` on to `take`, as `readByteLines` does. */
export function readLines(file: FileHandle, start: number, take: (line: string) => void): Promise<LinesRead> {
  return readByteLines(file, start, (bytes, from, to) => take(bytes.toString('utf8', from, to)))
}

/**
 * Hands every whole line from byte `start` on to `take`. Between two pieces of 1 MiB other work of the
 * process gets its turn.
 */
export async function readByteLines(file: FileHandle, start: number, take: TakeLine): Promise<LinesRead> {
  let held = Buffer.alloc(0)
  let end = start
  let skipped = 0
  let skipping = false
  const piece = Buffer.allocUnsafe(PIECE)
  for (let at = start; ; ) {
    const { bytesRead } = await file.read(piece, 0, PIECE, at)
    if (bytesRead === 0) return { end, torn: at - end, skipped }
    at += bytesRead
    const fresh = piece.subarray(0, bytesRead)
    const last = fresh.lastIndexOf(NEWLINE)
    if (last < 0) {
      skipping ||= held.length + fresh.length > LONGEST
      held = skipping ? Buffer.alloc(0) : Buffer.concat([held, fresh])
      continue
    }
    let from = 0
    if (skipping) {
      from = fresh.indexOf(NEWLINE) + 1
      skipped++
      skipping = false
    }
    const whole =
      held.length > 0 ? Buffer.concat([held, fresh.subarray(0, last)]) : fresh.subarray(from, last)
    if (whole.length > 0) takeEach(whole, take)
    held = Buffer.from(fresh.subarray(last + 1))
    end = at - held.length
  }
}

function takeEach(bytes: Buffer, take: TakeLine): void {
  for (let from = 0; from <= bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from)
    const to = newline < 0 ? bytes.length : newline
    take(bytes, from, to)
    from = to + 1
  }
}

/** The whole lines within the last `bytes` bytes, and whether something torn follows them. */
export async function readTail(
  file: FileHandle,
  bytes: number,
): Promise<{ readonly lines: readonly string[]; readonly torn: boolean; readonly size: number }> {
  const { size } = await file.stat()
  const start = Math.max(0, size - bytes)
  const buffer = Buffer.alloc(size - start)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
  const text = buffer.toString('utf8', 0, bytesRead)
  const lines = text.split('\n')
  const torn = lines.pop() !== ''
  // The first one most likely begins in the middle.
  return { lines: start > 0 ? lines.slice(1) : lines, torn, size }
}
