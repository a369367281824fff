/** @file What a row takes from events.jsonl: all of it where its columns are at hand, else its last lines. */

import { own } from '../../util/json-object.ts'
import type { Header } from './column-cache.ts'
import type { ColumnStore } from './column-store.ts'
import { Columns, summarise } from './columns.ts'
import { openInside } from './files.ts'
import { readTail } from './lines.ts'

/** Enough for some dozen last steps and the evaluations behind them. */
const TAIL = 12 << 10

export interface Stream {
  readonly header: Pick<Header, 'tables'>
  readonly whole: boolean
  readonly step?: number
  readonly reason?: string
  problems(status: string): readonly string[]
}

export async function readStream(folder: string, id: string, store: ColumnStore): Promise<Stream> {
  const opened = await openInside(folder, 'events.jsonl')
  if (!opened.ok) {
    const why = opened.why === 'missing' ? [] : [`events.jsonl: ${opened.why}`]
    return { header: { tables: {} }, whole: false, problems: () => why }
  }
  try {
    const { size, mtimeMs, ino } = await opened.value.stat()
    const header = await store.peek(id, { size, mtimeMs, ino })
    if (header) return streamOf(header, true, header.end < size, header.bad, header.skipped)
    const { lines, torn } = await readTail(opened.value, TAIL)
    const columns = new Columns()
    for (const line of lines) columns.take(line)
    const tables = Object.fromEntries(
      [...columns.tables].map(([name, table]) => [
        name,
        {
          length: table.length,
          columns: Object.fromEntries(
            [...table.columns.keys()].map((key) => [key, { at: 0, ...summarise(table.values(key)!) }]),
          ),
        },
      ]),
    )
    return streamOf({ tables, marks: columns.marks }, lines.length > 0 && size <= TAIL, torn, columns.bad, 0)
  } finally {
    await opened.value.close()
  }
}

function streamOf(
  header: Pick<Header, 'tables' | 'marks'>,
  whole: boolean,
  torn: boolean,
  bad: number,
  skipped: number,
): Stream {
  const step = own(header.tables, 'step')?.columns.step?.last
  const end = header.marks.findLast(({ type }) => type === 'end')
  return {
    header,
    whole,
    ...(step !== undefined && Number.isFinite(step) ? { step } : {}),
    ...(end && end.text !== 'done' ? { reason: end.text } : {}),
    problems: (status) => [
      // While a run goes on, its last line may be half written.
      ...(torn && status !== 'running' ? ['events.jsonl: the last line is torn'] : []),
      ...(bad > 0 ? [`events.jsonl: ${bad} lines are no events`] : []),
      ...(skipped > 0 ? [`events.jsonl: ${skipped} lines are too long to read`] : []),
    ],
  }
}
