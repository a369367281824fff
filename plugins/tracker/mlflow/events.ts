/** @file Reads what a run's events.jsonl has gained. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunEvent } from 'medtune/plugin'

const CHUNK = 4 << 20

export interface Piece {
  readonly events: readonly RunEvent[]
  /** Bytes up to the end of the last whole line. */
  readonly offset: number
}

/** Whole lines behind `offset`, at most some megabytes at a time; no events where there are none. A torn last line waits. */
export async function readEvents(folder: string, offset: number): Promise<Piece> {
  const handle = await open(join(folder, 'events.jsonl'))
  try {
    for (let length = CHUNK; ; length *= 2) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset)
      const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
      if (end === 0 && bytesRead === length) continue
      return { events: parse(buffer.subarray(0, end).toString()), offset: offset + end }
    }
  } finally {
    await handle.close()
  }
}

function parse(text: string): RunEvent[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as RunEvent]
    } catch {
      // A line that a crash tore, with others written behind it.
      return []
    }
  })
}
