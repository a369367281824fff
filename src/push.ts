/** @file Uploads what a run trained: the files of the adapter or model, and a model card made from the run's record. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { uploadModel } from './data/index.ts'
import { type CardFacts, modelCard } from './export/card.ts'
import { isTrained, runStatus, unfinished } from './run/unfinished.ts'
import { InputError } from './util/errors.ts'

export interface PushOptions {
  readonly branch?: string | undefined
  readonly message?: string | undefined
  readonly private: boolean
}

export interface Pushed {
  readonly url: string
  readonly commit: string
  readonly files: readonly string[]
  readonly warnings: readonly string[]
}

/** @throws InputError for a folder that holds neither adapter nor model, a missing token, a Hub that refuses */
export async function pushFolder(target: string, repo: string, options: PushOptions): Promise<Pushed> {
  const root = resolve(target)
  const run = (await readJson(join(root, 'run.json'))) === undefined ? undefined : root
  const folder = run === undefined ? root : join(run, 'adapter')
  if (run !== undefined && !isTrained(folder)) throw new InputError(await unfinished(target, 'push'))
  const names = await filesOf(folder)
  const facts = await gatherFacts(folder, names, run)
  const files = new Map<string, { file: string } | { text: string }>(
    names.map((name) => [name, { file: join(folder, name) }]),
  )
  if (!files.has('README.md')) files.set('README.md', { text: modelCard(repo, facts) })
  const message = options.message ?? `Upload ${facts.kind} with medtune`
  const { url, commit } = await uploadModel({
    repo,
    files,
    message,
    branch: options.branch,
    private: options.private,
  })
  const local = facts.kind === 'adapter' && facts.baseModel === undefined
  const early = run !== undefined && (await runStatus(run)) === 'running'
  const warnings = [
    ...(early ? ['the run is still at work: the card has no scores of what it trained yet'] : []),
    ...(local
      ? [
          'adapter_config.json names the base model by a folder of this machine; tune with model.repo beside model.path to name its repository',
        ]
      : []),
  ]
  return { url, commit, files: [...files.keys()].sort(), warnings }
}

/** Plain files of the folder itself. What a link leads to is not meant to be published. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(
      `${folder}: cannot be read (${error.code}); give a run folder, or one with an adapter or a model`,
    )
  })
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
  const trained = ['adapter_config.json', 'config.json'].some((name) => names.includes(name))
  if (trained && names.some((name) => name.endsWith('.safetensors'))) return names.sort()
  throw new InputError(
    `${folder}: holds no adapter (adapter_config.json) and no model (config.json) with safetensors`,
  )
}

async function gatherFacts(
  folder: string,
  names: readonly string[],
  run: string | undefined,
): Promise<CardFacts> {
  const config = await readJson(join(folder, 'adapter_config.json'))
  const resolved = run === undefined ? undefined : await readJson(join(run, 'resolved.json'))
  const report = run === undefined ? undefined : await readJson(join(run, 'report.json'))
  const recipe = resolved?.recipe as CardFacts['recipe']
  return {
    kind: names.includes('adapter_config.json') ? 'adapter' : 'model',
    baseModel: repository(config?.base_model_name_or_path ?? recipe?.model?.repo),
    recipe,
    evaluations: report?.eval as CardFacts['evaluations'],
  }
}

/** A path of this machine is no name for others. */
function repository(name: unknown): string | undefined {
  return typeof name === 'string' && /^[\w.-]+\/[\w.-]+$/.test(name) ? name : undefined
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  if (!(await stat(file).catch(() => undefined))?.isFile()) return undefined
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  } catch {
    throw new InputError(`${file}: is not valid JSON; the run may have been cut off while it was written`)
  }
}
