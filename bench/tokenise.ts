/**
 * @file Tokenising speed: a JSON Lines file through the data path of a run, fresh and from its cache. Prints JSON.
 *
 *   npx tsx --conditions=medtune-source bench/tokenise.ts <tokenizer folder> <rows.jsonl> <user pattern> <model pattern> [workers]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import jsonl from '../plugins/dataset/jsonl.ts'
import gemma from '../plugins/template/gemma.ts'
import { encodeSplit } from '../src/data/index.ts'

const [folder, file, user, model, workers = '1'] = process.argv.slice(2)
if (model === undefined) {
  console.error(
    'usage: bench/tokenise.ts <tokenizer folder> <rows.jsonl> <user pattern> <model pattern> [workers]',
  )
  process.exit(2)
}
const context = {
  recipeDir: process.cwd(),
  resolvePath: (path: string) => resolve(path),
  seed: 42,
  warn: () => {},
}
const dataset = await jsonl.create({ path: file! }, context)
const template = await gemma.create({ user: user!, model }, context)
const cacheDir = await mkdtemp(join(tmpdir(), 'medtune-bench-'))

/** Seconds from the start to the first window, and to the last. */
async function pass() {
  const start = performance.now()
  const split = await encodeSplit({
    dataset,
    split: 'train',
    template,
    tokenizer: resolve(folder!),
    vocabSize: Number.POSITIVE_INFINITY,
    maxLength: 1024,
    overLength: 'truncate',
    shuffle: true,
    seed: 42,
    cacheDir,
    workers: Number(workers),
  })
  await split.window(0)
  const first = (performance.now() - start) / 1000
  const census = await split.census
  const all = (performance.now() - start) / 1000
  await split.close()
  return { census, first, all }
}

try {
  const fresh = await pass()
  const cached = await pass()
  const { rows, tokens, labelTokens, longest } = fresh.census
  const round = (value: number) => Math.round(value * 1000) / 1000
  console.log(
    JSON.stringify({
      bench: 'tokenise',
      workers: Number(workers),
      rows,
      tokens,
      label_tokens: labelTokens,
      longest,
      first_window_seconds: round(fresh.first),
      seconds: round(fresh.all),
      tokens_per_second: Math.round(tokens / fresh.all),
      cached_first_window_seconds: round(cached.first),
      cached_seconds: round(cached.all),
    }),
  )
} finally {
  await rm(cacheDir, { recursive: true })
}
