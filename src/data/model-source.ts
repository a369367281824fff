/** @file Where a model's folder comes from: a path, or a repository of the Hugging Face Hub. What every model plugin shares. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Model, ModelSource, StageContext } from '../plugin/contract.ts'
import type { OptionsSchema } from '../plugin/options.ts'
import { OptionError } from '../util/errors.ts'
import { downloadSnapshot } from './hub.ts'

/** Names of the files of a model's folder that count; other formats of the same weights do not. */
export const MODEL_FILES =
  /^(config|generation_config|special_tokens_map|tokenizer[\w.-]*|[\w.-]+\.index)\.json$|^chat_template\.jinja$|^[\w.-]+\.safetensors$/

/** Options of a model plugin. */
export const MODEL_OPTIONS = {
  type: 'object',
  properties: {
    path: {
      type: 'string',
      minLength: 1,
      description:
        'Folder of the model. With repo beside it: a copy of that repository, and nothing is downloaded.',
    },
    repo: {
      type: 'string',
      minLength: 1,
      description: 'Repository on the Hugging Face Hub, such as unsloth/gemma-3-270m-it.',
    },
    revision: { type: 'string', minLength: 1, description: 'Branch, tag or commit of the repository.' },
  },
  additionalProperties: false,
} as const satisfies OptionsSchema

export interface ModelPlace {
  readonly path?: string
  readonly repo?: string
  readonly revision?: string
}

/**
 * Finds the folder, or downloads it when the model is loaded, and opens it.
 * @throws OptionError for a folder that is no model's, or options that do not go together
 */
export function modelSource(
  { path, repo, revision }: ModelPlace,
  context: StageContext,
  open: (folder: string) => Promise<Model>,
): ModelSource {
  if (revision !== undefined && repo === undefined) {
    throw new OptionError('revision', 'belongs to repo; a folder has no revisions')
  }
  if (path !== undefined) {
    const folder = context.resolvePath(path)
    checkFolder(folder)
    return { load: () => open(folder) }
  }
  if (repo === undefined) {
    throw new OptionError('', 'needs path (a folder) or repo (a repository on the Hugging Face Hub)')
  }
  return {
    async load() {
      const { folder, revision: commit } = await downloadSnapshot({
        repo,
        type: 'model',
        revision,
        files: (name) => MODEL_FILES.test(name),
        warn: (code, message) => context.warn(code, message),
        progress: (done, total) => context.progress?.(`download ${repo}`, done, total, 'bytes'),
      })
      return Object.freeze({ ...(await open(folder)), origin: { repo, revision: commit } })
    },
  }
}

/** What must be there is looked for at once: a wrong path should not wait for the data. */
function checkFolder(folder: string): void {
  const missing = (what: string): never => {
    throw new OptionError('path', `${folder}: ${what}`)
  }
  if (!existsSync(folder)) missing('no such folder')
  if (!statSync(folder).isDirectory()) missing('is a file; give the folder that holds config.json')
  for (const name of ['config.json', 'tokenizer.json']) {
    if (!existsSync(join(folder, name)))
      missing(`has no ${name}; a model folder needs config.json, tokenizer.json and weights`)
  }
  const weights = ['model.safetensors', 'model.safetensors.index.json']
  if (!weights.some((name) => existsSync(join(folder, name)))) missing(`has neither ${weights.join(' nor ')}`)
}
