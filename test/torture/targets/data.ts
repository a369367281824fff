/** @file Files of rows in every format, damaged, then read, rendered by a template and tokenised as a run would. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { encodeSplit } from '../../../src/data/index.ts'
import { loadRecipe } from '../../../src/recipe/recipe.ts'
import { preflight } from '../../../src/run/preflight.ts'
import { createStages } from '../../../src/run/stages.ts'
import { mutate, mutations } from '../mutate.ts'
import type { Target } from '../target.ts'

const MODEL = fileURLToPath(new URL('../../../models/tiny-gemma3', import.meta.url))
const TOKENS = [
  '"q"',
  '"a":',
  ',',
  '\n',
  '"',
  '""',
  '{"q":"x","a":"y"}\n',
  '{"q":1,"a":["y"]}\n',
  '{"a":null}',
  '{"q":{"__proto__":1},"a":"y"}\n',
  '[',
  ']',
  '{',
  '}',
  '\\',
  '\\ud800',
  '<start_of_turn>',
  '<bos>',
  'PAR1',
  '\u001f\u008b',
]
const ROWS = Array.from({ length: 6 }, (_, i) => ({ q: `What is ${i}?`, a: `It is "${i}",\nas said.` }))
const MESSAGES = ROWS.map(({ q, a }) => ({
  messages: [
    { role: 'user', content: q },
    { role: 'assistant', content: a },
  ],
}))
const lines = (rows: readonly object[]): Buffer =>
  Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

const COLUMNS = '{ use: gemma, user: "{q}", model: "{a}" }'
/** File -> plugin, template, and what a whole file holds. */
const FILES: Readonly<
  Record<string, { readonly use: string; readonly template: string; readonly bytes: Buffer }>
> = {
  'rows.jsonl': { use: 'jsonl', template: COLUMNS, bytes: lines(ROWS) },
  'rows.jsonl.gz': { use: 'jsonl', template: COLUMNS, bytes: gzipSync(lines(ROWS)) },
  'chat.jsonl': { use: 'jsonl', template: 'gemma', bytes: lines(MESSAGES) },
  'rows.json': { use: 'json', template: COLUMNS, bytes: Buffer.from(JSON.stringify(ROWS, null, 1)) },
  'rows.csv': {
    use: 'csv',
    template: COLUMNS,
    bytes: Buffer.from(['q,a', ...ROWS.map(({ q, a }) => `${quoted(q)},${quoted(a)}`)].join('\n')),
  },
  'rows.parquet': {
    use: 'parquet',
    template: COLUMNS,
    bytes: Buffer.from(
      parquetWriteBuffer({
        columnData: (['q', 'a'] as const).map((name) => ({
          name,
          data: ROWS.map((row) => row[name]),
          type: 'STRING',
        })),
      }),
    ),
  },
}

const target: Target<{ file: string; list: Parameters<typeof mutate>[1] }> = {
  async open(folder) {
    const recipes = new Map<string, Awaited<ReturnType<typeof loadRecipe>>>()
    for (const [name, { use, template, bytes }] of Object.entries(FILES)) {
      writeFileSync(join(folder, name), bytes)
      const recipe = join(folder, `${name}.yaml`)
      writeFileSync(
        recipe,
        `model: { use: gemma3, path: ${MODEL} }\ndataset: { use: ${use}, path: ${name} }\ntemplate: ${template}\n`,
      )
      recipes.set(name, await loadRecipe(recipe))
    }
    return {
      cases: fc.record({ file: fc.constantFrom(...Object.keys(FILES)), list: mutations(TOKENS) }),
      async attempt({ file, list }) {
        writeFileSync(join(folder, file), mutate(FILES[file]!.bytes, list))
        const resolved = recipes.get(file)!
        const stages = await createStages(resolved, () => {})
        await preflight(resolved, stages, stages.dataset, undefined)
        const split = await encodeSplit({
          dataset: stages.dataset,
          split: 'train',
          template: stages.template,
          tokenizer: MODEL,
          vocabSize: 4096,
          maxLength: 64,
          overLength: 'truncate',
          shuffle: true,
          seed: 1,
          workers: 0,
        })
        try {
          await split.census
          return false
        } finally {
          await split.close()
        }
      },
    }
  },
}
export default target
