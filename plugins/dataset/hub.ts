/** @file A data set of the Hugging Face Hub, downloaded once into the shared cache. */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openRepo } from 'medtune/data'
import { definePlugin, type Row } from 'medtune/plugin'
import { readCsv } from './csv.ts'
import { chooseFiles, fileKind } from './hub-files.ts'
import { readJson } from './json.ts'
import { readJsonl } from './jsonl.ts'
import { readParquet } from './parquet.ts'
import { notEmpty } from './rows.ts'
import { parseSplit, sliceRows } from './split-slice.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'hub',
  summary: 'A data set of the Hugging Face Hub (parquet, jsonl, json or csv files).',
  options: {
    type: 'object',
    properties: {
      repo: {
        type: 'string',
        pattern: '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$',
        description: 'The repository, as owner/name.',
      },
      config: {
        type: 'string',
        minLength: 1,
        description: 'The configuration; may be left out where there is one, or a default.',
      },
      split: {
        type: 'string',
        minLength: 1,
        default: 'train',
        description: 'The split to read, or a slice of it: train[:10000], train[-500:], train[10%:20%].',
      },
      revision: {
        type: 'string',
        minLength: 1,
        description: 'Branch, tag or commit; the main branch if left out.',
      },
    },
    required: ['repo'],
    additionalProperties: false,
  },
  create({ repo, config, split, revision }, context) {
    const wanted = parseSplit(split)
    const progress = context.progress?.bind(context, `download ${repo}`)
    const request = {
      repo,
      revision,
      type: 'dataset' as const,
      warn: context.warn.bind(context),
      progress: progress && ((done: number, total: number) => progress(done, total, 'bytes')),
    }
    let files: Promise<readonly string[]> | undefined
    return {
      async *read() {
        files ??= downloadSplit(request, { config, split: wanted.split })
        const all = await files
        yield* notEmpty(
          repo,
          sliceRows(wanted, () => readAll(all)),
        )
      },
    }
  },
})

async function downloadSplit(
  request: Parameters<typeof openRepo>[0],
  wanted: Parameters<typeof chooseFiles>[3],
): Promise<readonly string[]> {
  const repo = await openRepo(request)
  const hasCard = repo.names.includes('README.md')
  const card = hasCard
    ? await readFile(join(await repo.fetch(['README.md']), 'README.md'), 'utf8')
    : undefined
  const names = chooseFiles(request.repo, repo.names, card, wanted)
  const folder = await repo.fetch(names)
  return names.map((name) => join(folder, ...name.split('/')))
}

async function* readAll(files: readonly string[]): AsyncGenerator<Row> {
  for (const file of files) {
    const kind = fileKind(file)
    if (kind === 'parquet') yield* readParquet(file)
    else if (kind === 'csv') yield* readCsv(file)
    else yield* (await isArray(file)) ? readJson(file) : readJsonl(file)
  }
}

/** On the Hub, `.json` is either one array or JSON Lines. */
async function isArray(file: string): Promise<boolean> {
  if (file.endsWith('.gz')) return false
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
    return buffer
      .subarray(0, bytesRead)
      .toString()
      .replace(/^\ufeff/, '')
      .trimStart()
      .startsWith('[')
  } finally {
    await handle.close()
  }
}
