/** @file Several data sets as one, each with a weight. */
import { requireFile, streamOf, uniform } from 'medtune/data'
import { type Dataset, definePlugin, OptionError, type Row, type StageContext } from 'medtune/plugin'
import { readAnyFile } from './any-file.ts'
import { validationFile } from './file-dataset.ts'
import hub from './hub.ts'
import { fileKind } from './hub-files.ts'
import { notEmpty } from './rows.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'mix',
  summary: 'Several data sets as one: local files and repositories of the Hub, each with a weight.',
  options: {
    type: 'object',
    properties: {
      sources: {
        type: 'array',
        minItems: 1,
        description: 'The data sets, one after another; training shuffles them together.',
        items: {
          type: 'object',
          properties: {
            path: { type: 'string', minLength: 1, description: 'A file: parquet, jsonl, json or csv.' },
            repo: { type: 'string', minLength: 1, description: 'Or a repository of the Hub, as owner/name.' },
            config: { type: 'string', minLength: 1, description: 'Configuration of the repository.' },
            split: {
              type: 'string',
              minLength: 1,
              description: 'Split of the repository, train if left out.',
            },
            revision: {
              type: 'string',
              minLength: 1,
              description: 'Branch, tag or commit of the repository.',
            },
            weight: {
              type: 'number',
              exclusiveMinimum: 0,
              maximum: 1000,
              description:
                'How often its rows are learned in an epoch: 1 if left out; 2 takes each twice, 0.25 a quarter of them.',
            },
          },
          additionalProperties: false,
        },
      },
      validation: {
        type: 'string',
        minLength: 1,
        description: 'A file whose rows are held out: scored, never trained on. Instead of holdout.',
      },
    },
    required: ['sources'],
    additionalProperties: false,
  },
  async create({ sources, validation }, context): Promise<Dataset> {
    const opened = await Promise.all(sources.map((source, i) => openSource(source, i, context)))
    const files = opened.flatMap(({ file }) => (file === undefined ? [] : [file]))
    const own = validation === undefined ? undefined : await validationFile(validation, files, context)
    const times = new WeakMap<Row, number>()
    const trained = async function* (): AsyncGenerator<Row> {
      for (const [i, source] of opened.entries()) yield* weighted(source, i, context.seed, times)
    }
    return {
      ownHoldout: own !== undefined,
      times: (row) => times.get(row) ?? 1,
      read: (split) => (split === 'train' || own === undefined ? trained() : notEmpty(own, readAnyFile(own))),
    }
  },
})

interface SourceOptions {
  readonly path?: string
  readonly repo?: string
  readonly config?: string
  readonly split?: string
  readonly revision?: string
  readonly weight?: number
}

interface Source {
  readonly weight: number
  /** Where it is a local file. */
  readonly file?: string
  read(): AsyncIterable<Row>
}

async function openSource(source: SourceOptions, index: number, context: StageContext): Promise<Source> {
  const { path, repo, weight = 1, ...rest } = source
  const at = `sources.${index}`
  if ((path === undefined) === (repo === undefined))
    throw new OptionError(at, 'needs path or repo, one of them')
  if (repo !== undefined) {
    const dataset = await hub.create({ repo, ...rest, split: rest.split ?? 'train' }, context)
    return { weight, read: () => dataset.read('train') }
  }
  const stray = Object.keys(rest)[0]
  if (stray !== undefined) throw new OptionError(`${at}.${stray}`, 'belongs to repo; a file has none')
  const file = context.resolvePath(path!)
  await requireFile(`${at}.path`, file)
  if (fileKind(file) === undefined) {
    throw new OptionError(`${at}.path`, `${file} is no .parquet, .jsonl, .json or .csv file by its name`)
  }
  return { weight, file, read: () => notEmpty(file, readAnyFile(file)) }
}

/** Rows that the weight lets in: all `floor(weight)` times, and a part chosen by the seed once more. */
async function* weighted(
  { weight, read }: Source,
  index: number,
  seed: number,
  times: WeakMap<Row, number>,
): AsyncGenerator<Row> {
  const stream = streamOf(`mix.${index}`)
  let number = 0
  for await (const row of read()) {
    const count = Math.floor(weight) + (uniform(seed, stream, number++) < weight % 1 ? 1 : 0)
    if (count === 0) continue
    times.set(row, count)
    yield row
  }
}
