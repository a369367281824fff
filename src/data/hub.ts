/** @file Repositories of the Hugging Face Hub: lists them, and downloads what is asked for into the shared cache. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../util/errors.ts'
import { isOffline, offlineReason } from '../util/offline.ts'
import { PATIENCE, type Patience } from '../util/retry.ts'
import { checkInside, exists, hubToken, isCommit, openRepoCache, type RepoCache } from './hub-cache.ts'
import { type FileSource, fetchFile, missingBytes, type RemoteFile } from './hub-download.ts'
import { checkSpace, explainHubError } from './hub-errors.ts'
import { hubFetch } from './hub-fetch.ts'
import { checkNames, unsafeName } from './safe-name.ts'

export interface RepoRequest {
  /** `owner/name`, or `name` alone. */
  readonly repo: string
  readonly type: 'model' | 'dataset'
  /** Branch, tag or commit; the main branch if left out. */
  readonly revision?: string | undefined
  /** Reports that a cached copy stands in for the Hub. */
  warn(code: string, message: string): void
  /** Hears how many bytes of a download are there. */
  readonly progress?: ((received: number, total: number) => void) | undefined
  /** How long to go on with a Hub that fails. */
  readonly patience?: Patience | undefined
}

/** A repository at one commit. */
export interface HubRepo {
  readonly revision: string
  /** Every file of it; of what the cache has, where there is no network. */
  readonly names: readonly string[]
  /** Whether the cache alone was asked, which may have a part of the repository only. */
  readonly cached: boolean
  /** Sees that these files are in the cache, and returns the folder that they lie in. */
  fetch(names: readonly string[]): Promise<string>
}

export interface SnapshotRequest extends RepoRequest {
  /** Which files to download. */
  files(name: string): boolean
}

/**
 * Downloads the chosen files of a repository, or finds them in the cache. Honours HF_TOKEN, HF_TOKEN_PATH, HF_ENDPOINT,
 * HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, MEDTUNE_OFFLINE and the proxy variables. Throws an InputError that says what to do: a licence to accept, no network,
 * nothing in the cache, a damaged download, an unsafe file name.
 */
export async function downloadSnapshot(
  request: SnapshotRequest,
): Promise<{ readonly folder: string; readonly revision: string }> {
  const repo = await openRepo(request)
  const names = repo.names.filter(request.files)
  if (names.length === 0) {
    const part = repo.cached ? ' in the cache' : ''
    throw new InputError(
      `${request.repo}: none of its ${repo.names.length} files${part} is one that is needed`,
    )
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
      `${request.repo}: ${offlineReason()} and ${cache.folder} has no copy of revision ${request.revision ?? 'main'}; run once without it to download`,
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
  return {
    revision: commit,
    names,
    cached: true,
    async fetch(wanted) {
      const folder = cache.snapshot(commit)
      for (const name of wanted) await checkCached(cache, join(folder, ...name.split('/')))
      return folder
    },
  }
}

async function checkCached(cache: RepoCache, file: string): Promise<void> {
  if (!(await exists(file)))
    throw new InputError(
      `${file}: is a link to a file that is gone; run once with the network to download it again`,
    )
  await checkInside(cache.folder, file)
}

async function remoteRepo(request: RepoRequest, cache: RepoCache): Promise<HubRepo> {
  const { repo, revision = 'main' } = request
  const client = await openClient(request)
  const { sha, files } = await client.list(revision)
  return {
    revision: sha,
    names: [...files.keys()],
    cached: false,
    async fetch(names) {
      checkNames(repo, names)
      try {
        const wanted = names.map((name) => files.get(name)!)
        await fetchAll(request, cache, sha, wanted, (path, offset, signal) =>
          client.open(sha, path, offset, signal),
        )
        await cache.writeRef(revision, sha)
      } catch (error) {
        throw explainHubError(error, request).explained
      }
      return cache.snapshot(sha)
    },
  }
}

async function fetchAll(
  request: RepoRequest,
  cache: RepoCache,
  sha: string,
  files: readonly RemoteFile[],
  open: FileSource['open'],
): Promise<void> {
  const missing = await Promise.all(files.map((file) => missingBytes(cache, sha, file)))
  const total = missing.reduce((sum, bytes) => sum + bytes, 0)
  if (total > 0) {
    await mkdir(cache.folder, { recursive: true })
    await checkSpace(request.repo, cache.folder, total)
  }
  let done = 0
  const received = (bytes: number): void => {
    done += bytes
    request.progress?.(done, total)
  }
  const source: FileSource = { open, received, patience: request.patience ?? PATIENCE }
  for (const file of files) await fetchFile(cache, sha, file, source)
}

interface Client {
  list(revision: string): Promise<{ readonly sha: string; readonly files: ReadonlyMap<string, RemoteFile> }>
  open(sha: string, path: string, offset: number, signal: AbortSignal): Promise<Response>
}

/** What every request carries: the library itself reads no environment variable. */
export async function hubAccess(patience: Patience): Promise<{
  readonly hubUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly accessToken?: string
}> {
  const hubUrl = endpoint()
  const accessToken = await hubToken()
  if (accessToken !== undefined && !accessToken.startsWith('hf_')) {
    throw new InputError('HF_TOKEN does not look like a token of the Hub (they begin with "hf_")')
  }
  const fetch = hubFetch(hubUrl, patience)
  return { hubUrl, fetch, ...(accessToken === undefined ? {} : { accessToken }) }
}

async function openClient({ repo, type, patience = PATIENCE }: RepoRequest): Promise<Client> {
  const hub = await import('@huggingface/hub')
  const access = await hubAccess(patience)
  const { hubUrl, fetch, accessToken } = access
  return {
    async list(revision) {
      const about = { name: repo, revision, additionalFields: ['sha' as const], ...access }
      const { sha } = type === 'model' ? await hub.modelInfo(about) : await hub.datasetInfo(about)
      if (typeof sha !== 'string' || !isCommit(sha))
        throw new InputError(`${repo}: the Hub named no commit for ${revision}`)
      const files = new Map<string, RemoteFile>()
      const listing = { repo: { type, name: repo }, recursive: true, revision: sha, ...access }
      for await (const entry of hub.listFiles(listing)) {
        if (entry.type === 'file') files.set(entry.path, entry)
      }
      return { sha, files }
    },
    open(sha, path, offset, signal) {
      const name = path.split('/').map(encodeURIComponent).join('/')
      const url = `${hubUrl}/${type === 'dataset' ? 'datasets/' : ''}${repo}/resolve/${sha}/${name}`
      const headers: Record<string, string> = { 'accept-encoding': 'identity' }
      if (accessToken !== undefined) headers.authorization = `Bearer ${accessToken}`
      if (offset > 0) headers.range = `bytes=${offset}-`
      return fetch(url, { headers, signal })
    },
  }
}

/** HF_ENDPOINT, else the Hub itself. */
function endpoint(): string {
  const url = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url
  throw new InputError(`HF_ENDPOINT is ${JSON.stringify(url)}; write an address that begins with https://`)
}
