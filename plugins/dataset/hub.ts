/** @file A data set of the Hugging Face Hub, downloaded once into the shared cache. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openRepo } from 'medtune/data'
import { definePlugin, InputError, type Row } from 'medtune/plugin'
import { readAnyFile } from './any-file.ts'
import { chooseFiles } from './hub-files.ts'
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
      validation: {
        type: 'string',
        minLength: 1,
        description:
          'A split, or a slice of one, whose rows are held out: scored, never trained on. Instead of holdout.',
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
  create({ repo, config, split, validation, revision }, context) {
    const trained = parseSplit(split)
    const held = validation === undefined ? undefined : parseSplit(validation, 'validation')
    const progress = context.progress?.bind(context, `download ${repo}`)
    const request = {
      repo,
      revision,
      type: 'dataset' as const,
      warn: context.warn.bind(context),
      progress: progress && ((done: number, total: number) => progress(done, total, 'bytes')),
    }
    const files = new Map<string, Promise<readonly string[]>>()
    const filesOf = (name: string): Promise<readonly string[]> => {
      const found = files.get(name) ?? downloadSplit(request, { config, split: name })
      files.set(name, found)
      return found
    }
    const told = new Set<string>()
    const short = (message: string): void => {
      if (!told.has(message)) context.warn('slice-short', `${repo}: ${message}`)
      told.add(message)
    }
    return {
      ownHoldout: held !== undefined,
      async *read(which) {
        const wanted = which === 'holdout' && held !== undefined ? held : trained
        const all = await filesOf(wanted.split)
        for (const file of all) context.uses?.(file)
        yield* notEmpty(
          repo,
          sliceRows(wanted, () => readAll(all), short),
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
  const names = chooseKnown(request.repo, repo, card, wanted)
  const folder = await repo.fetch(names)
  return names.map((name) => join(folder, ...name.split('/')))
}

/** Says, where something is missing, that the cache may have a part of the repository only. */
function chooseKnown(
  name: string,
  { names, cached }: { readonly names: readonly string[]; readonly cached: boolean },
  card: string | undefined,
  wanted: Parameters<typeof chooseFiles>[3],
): readonly string[] {
  try {
    return chooseFiles(name, names, card, wanted)
  } catch (error) {
    if (!cached || !(error instanceof InputError)) throw error
    throw new InputError(
      `${error.message}. Without network only the cache is known; run once with it to download`,
    )
  }
}

async function* readAll(files: readonly string[]): AsyncGenerator<Row> {
  for (const file of files) yield* readAnyFile(file)
}
