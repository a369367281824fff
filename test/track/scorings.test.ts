/** @file Items and their summaries: whatever fails while they are written, no items stand beside the summary of others. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readScoredItems, readSummary, writeScored } from '../../src/track/scorings.ts'
import { withFs } from '../../src/util/fs-ops.ts'
import { FaultyFs } from '../helpers/faulty-fs.ts'
import { tempFolder } from '../helpers/temp.ts'

const item = (score: number) => [{ id: 'a', score, weight: 1 }]

test('new results in place of old ones: each operation may be the last', async () => {
  const left = new Set<string>()
  for (let at = 1; ; at++) {
    const folder = tempFolder()
    const file = join(folder, 'qa.base.jsonl')
    await writeScored(file, item(0), { score: 0 })
    const faulty = new FaultyFs({ at, code: 'EIO', forGood: true })
    const failed = await withFs(faulty, () => writeScored(file, item(1), { score: 1 })).then(
      () => undefined,
      (error: Error) => error,
    )
    if (!faulty.met) break
    expect(failed?.message).toMatch(/EIO/)
    const { score } = readScoredItems(file)[0]!
    const about = readSummary(file).score
    expect([undefined, score]).toContain(about)
    left.add(`${score} ${about}`)
  }
  expect([...left]).toEqual(['0 0', '0 undefined', '1 undefined', '1 1'])
  const folder = tempFolder()
  await writeScored(join(folder, 'qa.base.jsonl'), item(1), { score: 1 })
  expect(readdirSync(folder).sort()).toEqual(['qa.base.json', 'qa.base.jsonl'])
})
