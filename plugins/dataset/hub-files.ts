/** @file Which files of a Hub repository make up a configuration and split of its data set. */
import { InputError } from 'medtune/plugin'
import { parse as parseYaml } from 'yaml'

/** Kinds of files that can be read, the preferred first where a repository has the same data in several. */
const KINDS = ['parquet', 'jsonl', 'csv', 'json'] as const
export type FileKind = (typeof KINDS)[number]

export interface Wanted {
  readonly config?: string | undefined
  readonly split: string
}

/** One entry of `configs` in the front matter of a data set card. */
interface CardConfig {
  readonly config_name: string
  readonly default?: boolean
  readonly data_dir?: string
  readonly data_files?: unknown
}

export function fileKind(name: string): FileKind | undefined {
  const plain = name.toLowerCase().replace(/\.gz$/, '')
  if (plain.endsWith('.ndjson')) return 'jsonl'
  return KINDS.find((kind) => plain.endsWith(`.${kind}`))
}

/**
 * Goes by `configs` in the card (README.md) where it has them, else by the names of files and folders. Throws an
 * InputError that lists what there is where nothing fits, and where a part of a split is missing.
 */
export function chooseFiles(
  repo: string,
  names: readonly string[],
  card: string | undefined,
  wanted: Wanted,
): string[] {
  const data = names.filter((name) => fileKind(name) !== undefined)
  const configs = cardConfigs(card)
  const chosen = configs.length > 0 ? byCard(repo, data, configs, wanted) : byName(data, wanted)
  if (chosen.length === 0) throw nothingFound(repo, data, wanted)
  checkShards(repo, chosen)
  return chosen.sort()
}

function cardConfigs(card: string | undefined): CardConfig[] {
  const front = /^---\r?\n([\s\S]{0,1000000}?)\r?\n---/.exec(card ?? '')?.[1]
  if (front === undefined) return []
  try {
    const { configs } = (parseYaml(front, { maxAliasCount: 10 }) ?? {}) as { configs?: unknown }
    return Array.isArray(configs) ? configs.filter((item) => typeof item?.config_name === 'string') : []
  } catch {
    return []
  }
}

function byCard(
  repo: string,
  data: readonly string[],
  configs: readonly CardConfig[],
  wanted: Wanted,
): string[] {
  const config = pickConfig(repo, configs, wanted.config)
  const folder = config.data_dir?.replace(/\/*$/, '/') ?? ''
  const inside = data.filter((name) => name.startsWith(folder))
  if (config.data_files === undefined) return byName(inside, { split: wanted.split })
  const patterns = splitPatterns(config.data_files)
  const own = patterns.get(wanted.split)
  if (own === undefined) {
    const splits = [...patterns.keys()].join(', ') || 'none'
    throw new InputError(
      `${repo}: configuration ${config.config_name} has no split "${wanted.split}"; it has: ${splits}`,
    )
  }
  return data.filter((name) => own.some((pattern) => glob(folder + pattern).test(name)))
}

function pickConfig(repo: string, configs: readonly CardConfig[], name: string | undefined): CardConfig {
  const found =
    name === undefined
      ? (configs.find((config) => config.default === true || config.config_name === 'default') ??
        (configs.length === 1 ? configs[0] : undefined))
      : configs.find((config) => config.config_name === name)
  if (found !== undefined) return found
  const problem =
    name === undefined
      ? 'has several configurations; choose with dataset.config'
      : `has no configuration "${name}"`
  throw new InputError(`${repo}: ${problem}: ${configs.map((config) => config.config_name).join(', ')}`)
}

/** Split -> patterns of its files. Files without a named split are the training split. */
function splitPatterns(files: unknown): Map<string, string[]> {
  const patterns = new Map<string, string[]>()
  const add = (split: string, paths: unknown) => {
    const texts = (Array.isArray(paths) ? paths : [paths]).filter((path) => typeof path === 'string')
    patterns.set(split, [...(patterns.get(split) ?? []), ...texts.map((path) => path.replace(/^\.\//, ''))])
  }
  for (const item of Array.isArray(files) ? files : [files]) {
    if (typeof item === 'string') add('train', item)
    else if (typeof item?.split === 'string') add(item.split, item.path)
  }
  return patterns
}

/** `**` any folders, `*` and `?` within a name. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/?|[*?]|[\\^$.|+()[\]{}]/g, (token) => {
    if (token.startsWith('**')) return '(?:.*)'
    return token === '*' ? '[^/]*' : token === '?' ? '[^/]' : `\\${token}`
  })
  return new RegExp(`^${source}$`)
}

/** Names of splits that, in a file's name, say it is not for everything. */
const SPLITS = [
  'train',
  'training',
  'test',
  'testing',
  'validation',
  'valid',
  'val',
  'dev',
  'eval',
  'evaluation',
]

function byName(data: readonly string[], { config, split }: Wanted): string[] {
  const configured = config === undefined ? data : data.filter((name) => hasWord(name, config))
  const exact = configured.filter((name) => hasWord(name, split))
  if (exact.length > 0) return preferred(exact)
  // Files that name no split at all are for training.
  const unnamed = configured.filter((name) => !SPLITS.some((word) => hasWord(name, word)))
  return split === 'train' ? preferred(unnamed) : []
}

/** Whether `word` stands in the path between slashes, dots, dashes or underscores. */
function hasWord(name: string, word: string): boolean {
  return `/${name}/`.split(word).some((before, index, parts) => {
    const after = parts[index + 1]
    return after !== undefined && /[/_.-]$/.test(before) && /^[/_.-]/.test(after)
  })
}

function preferred(names: readonly string[]): string[] {
  const kind = KINDS.find((candidate) => names.some((name) => fileKind(name) === candidate))
  return names.filter((name) => fileKind(name) === kind)
}

/** `-00001-of-00004`: all four must be there, or part of the data would silently be missing. */
function checkShards(repo: string, names: readonly string[]): void {
  const series = new Map<string, Set<string>>()
  for (const name of names) {
    const shard = /^(.*)-(\d{5})-of-(\d{5})(.*)$/.exec(name)
    if (shard === null) continue
    const key = `${shard[1]}-*-of-${shard[3]}${shard[4]}`
    series.set(key, (series.get(key) ?? new Set()).add(shard[2]!))
  }
  for (const [key, parts] of series) {
    const total = Number(/-of-(\d{5})/.exec(key)![1])
    if (parts.size !== total)
      throw new InputError(
        `${repo}: only ${parts.size} of the ${total} files ${key} are there; download the rest`,
      )
  }
}

function nothingFound(repo: string, data: readonly string[], { config, split }: Wanted): InputError {
  const what = `${config === undefined ? '' : `configuration "${config}", `}split "${split}"`
  const shown = [...data].sort().slice(0, 8).join(', ')
  const list =
    data.length === 0
      ? 'it has no parquet, jsonl, json or csv files'
      : `its data files: ${shown}${data.length > 8 ? ', ...' : ''}`
  return new InputError(`${repo}: no files fit ${what}; ${list}`)
}
