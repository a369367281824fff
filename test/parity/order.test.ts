/** @file More than 1000 rows, packed and shuffled as TRL does it with `train.order: whole` (test/reference/order_fixture.py). */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { documentsOf, encodeRows } from '../../scripts/parity/documents.ts'
import { microBatches } from '../../src/train/batches.ts'
import { memorySplit } from '../helpers/memory-split.ts'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const ROWS = at('recipes/quickstart/train.jsonl')
const TOKENIZER = at('models/tiny-gemma3')
interface Fixture {
  readonly tokenizer: string
  readonly rows: string
  readonly max_length: number
  readonly seed: number
  /** Documents of each packed row of each epoch; a document goes by the first row with its text. */
  readonly epochs: readonly (readonly (readonly number[])[])[]
}
const expected: Fixture = JSON.parse(readFileSync(at('test/fixtures/order.json'), 'utf8'))

it('rows and tokenizer are those of the fixture; if not, run test/reference/order_fixture.py again', () => {
  const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
  expect(hash(ROWS)).toBe(expected.rows)
  expect(hash(`${TOKENIZER}/tokenizer.json`)).toBe(expected.tokenizer)
})

let documents: Awaited<ReturnType<typeof encodeRows>>
beforeAll(async () => {
  documents = await encodeRows(ROWS, TOKENIZER)
})

it('every packed row of two epochs holds the documents of the reference, in its order', async () => {
  expect(documents.length).toBeGreaterThan(1000)
  const encoded = documents.map(({ ids, labels }) => ({
    ids: Int32Array.from(ids),
    mask: Uint8Array.from(labels, (label) => (label === -100 ? 0 : 1)),
  }))
  const index = new Map<string, number>()
  documents.forEach(({ ids }, i) => {
    if (!index.has(ids.join())) index.set(ids.join(), i)
  })
  const options = {
    epochs: 2,
    batch_size: 1,
    accumulate: 1,
    pack: true,
    shuffle: true,
    order: 'whole',
  } as const
  const split = memorySplit([encoded.slice(0, 1000), encoded.slice(1000)])
  const seen: number[][] = []
  for await (const { batch, epoch } of microBatches(
    split,
    { ...options, max_length: expected.max_length },
    expected.seed,
  )) {
    expect(epoch).toBe(seen.length < expected.epochs[0]!.length ? 0 : 1)
    seen.push(documentsOf(batch).flatMap((row) => row.map(({ ids }) => index.get(ids.join())!)))
  }
  expect(seen).toEqual(expected.epochs.flat())
})
