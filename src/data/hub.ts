/** @file Repositories of the Hugging Face Hub: lists them, and downloads what is asked for into the shared cache. */
import { InputError } from '../util/errors.ts'
import { hubToken, isCommit, openRepoCache, type RepoCache } from './hub-cache.ts'
import { fetchFile, type RemoteFile } from './hub-download.ts'
import { explainHubError } from './hub-errors.ts'
import { checkNames, unsafeName } from './safe-name.ts'

export interface RepoRequest {
  /** `owner/name`, or `name` alone. */
  readonly repo: string
  readonly type: 'model' | 'dataset'
  /** Branch, tag or commit; the main branch if left out. */
  readonly revision?: string | undefined
  /** Reports that a cached copy stands in for the Hub. */
  warn(code: string, message: string): void
}

/** A repository at one commit. */
export interface HubRepo {
  readonly revision: string
  /** Every file of it; of what the cache has, where there is no network. */
  readonly names: readonly string[]
  /** Sees that these files are in the cache, and returns the folder that they lie in. */
  fetch(names: readonly string[]): Promise<string>
}

export interface SnapshotRequest extends RepoRequest {
  /** Which files to download. */
  files(name: string): boolean
}

/**
 * Downloads the chosen files of a repository, or finds them in the cache. Honours HF_TOKEN, HF_ENDPOINT, HF_HOME,
 * HF_HUB_CACHE and HF_HUB_OFFLINE. Throws an InputError that says what to do: a licence to accept, no network,
 * nothing in the cache, a damaged download, an unsafe file name.
 */
export async function downloadSnapshot(
  request: SnapshotRequest,
): Promise<{ readonly folder: string; readonly revision: string }> {
  const repo = await openRepo(request)
  const names = repo.names.filter(request.files)
  if (names.length === 0) {
    throw new InputError(`${request.repo}: none of its ${repo.names.length} files is one that is needed`)
  }
  return { folder: await repo.fetch(names), revision: repo.revision }
}

/** Resolves the revision to a commit and lists its files. Without network, what the cache has stands in, with a warning. */
export async function openRepo(request: RepoRequest): Promise<HubRepo> {
  checkRequest(request)
  const cache = openRepoCache(request.type, request.repo)
  const offline = await cachedRepo(request, cache)
  if (isOffline()) {
    if (offline !== undefined) return offline
    throw new InputError(
      `${request.repo}: HF_HUB_OFFLINE is set and ${cache.folder} has no copy of revision ${request.revision ?? 'main'}; unset it to download`,
    )
  }
  try {
    return await remoteRepo(request, cache)
  } catch (error) {
    const { explained, unreachable } = explainHubError(error, request)
    if (!unreachable || offline === undefined) throw explained
    request.warn('hub-offline', `${explained.message}; going on with the copy in ${cache.folder}`)
    return offline
  }
}

function isOffline(): boolean {
  return /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')
}

function checkRequest({ repo, revision }: RepoRequest): void {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repo) || unsafeName(repo) !== undefined) {
    throw new InputError(`${JSON.stringify(repo)} is no repository of the Hub; write owner/name`)
  }
  if (revision !== undefined && unsafeName(revision) !== undefined) {
    throw new InputError(`${JSON.stringify(revision)} is no revision; give a branch, a tag or a commit`)
  }
}

async function cachedRepo(
  { revision = 'main' }: RepoRequest,
  cache: RepoCache,
): Promise<HubRepo | undefined> {
  const commit = await cache.ref(revision)
  const names = commit === undefined ? undefined : await cache.files(commit)
  if (commit === undefined || names === undefined || names.length === 0) return undefined
  return { revision: commit, names, fetch: async () => cache.snapshot(commit) }
}

async function remoteRepo(request: RepoRequest, cache: RepoCache): Promise<HubRepo> {
  const hub = await import('@huggingface/hub')
  const { repo, type, revision = 'main' } = request
  const access = await credentials()
  const about = { name: repo, revision, additionalFields: ['sha' as const], ...access }
  const { sha } = type === 'model' ? await hub.modelInfo(about) : await hub.datasetInfo(about)
  if (typeof sha !== 'string' || !isCommit(sha))
    throw new InputError(`${repo}: the Hub named no commit for ${revision}`)
  const designation = { type, name: repo }
  const files = new Map<string, RemoteFile>()
  for await (const entry of hub.listFiles({ repo: designation, recursive: true, revision: sha, ...access })) {
    if (entry.type === 'file') files.set(entry.path, entry)
  }
  const content = async (path: string): Promise<Blob> => {
    const blob = await hub.downloadFile({ repo: designation, path, revision: sha, xet: false, ...access })
    if (blob === null) throw new InputError(`${repo}: the Hub lists ${path} but does not have it`)
    return blob
  }
  return {
    revision: sha,
    names: [...files.keys()],
    async fetch(names) {
      checkNames(repo, names)
      try {
        for (const name of names) await fetchFile(cache, sha, files.get(name)!, () => content(name))
        await cache.writeRef(revision, sha)
      } catch (error) {
        throw explainHubError(error, request).explained
      }
      return cache.snapshot(sha)
    },
  }
}

/** What every request carries. The library itself reads no environment variable. */
async function credentials(): Promise<{ hubUrl?: string; accessToken?: string }> {
  const hubUrl = process.env.HF_ENDPOINT?.replace(/\/+$/, '')
  const accessToken = await hubToken()
  if (accessToken !== undefined && !accessToken.startsWith('hf_')) {
    throw new InputError('HF_TOKEN does not look like a token of the Hub (they begin with "hf_")')
  }
  return { ...(hubUrl ? { hubUrl } : {}), ...(accessToken === undefined ? {} : { accessToken }) }
}
