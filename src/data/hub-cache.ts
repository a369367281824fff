/** @file The Hugging Face cache on disk, in the layout that the Python libraries share. */
import { access, mkdir, readdir, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'

export interface RepoCache {
  /** Folder of the repository: `blobs/`, `refs/` and `snapshots/<commit>/` lie in it. */
  readonly folder: string
  snapshot(commit: string): string
  /** The commit that a branch or tag stood for when it was last downloaded. */
  ref(revision: string): Promise<string | undefined>
  writeRef(revision: string, commit: string): Promise<void>
  /** Files of a snapshot that are there, as paths with forward slashes; undefined where there is no snapshot. */
  files(commit: string): Promise<string[] | undefined>
}

/** HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub (or under XDG_CACHE_HOME). */
export function hubCacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(hubHome(env), 'hub')
}

/** HF_HOME, else `huggingface` in the user's cache folder. */
export function hubHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface')
}

/** HF_TOKEN, else the token that `hf auth login` left behind. */
export async function hubToken(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (env.HF_TOKEN !== undefined) return env.HF_TOKEN.trim() || undefined
  const text = await readFile(env.HF_TOKEN_PATH ?? join(hubHome(env), 'token'), 'utf8').catch(() => '')
  return text.trim() || undefined
}

export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}

export function openRepoCache(type: 'model' | 'dataset', repo: string): RepoCache {
  const folder = join(hubCacheRoot(), [`${type}s`, ...repo.split('/')].join('--'))
  const snapshot = (commit: string) => join(folder, 'snapshots', commit)
  return {
    folder,
    snapshot,
    async ref(revision) {
      if (isCommit(revision)) return revision
      const text = await readFile(join(folder, 'refs', ...revision.split('/')), 'utf8').catch(() => '')
      return isCommit(text.trim()) ? text.trim() : undefined
    },
    async writeRef(revision, commit) {
      // Kept as it is where it says so already: the cache may be read-only.
      if ((await this.ref(revision)) === commit) return
      const path = revision.split('/')
      await mkdir(join(folder, 'refs', ...path.slice(0, -1)), { recursive: true })
      await writeAtomically(join(folder, 'refs', ...path), (draft) => draft.write(commit))
    },
    async files(commit) {
      const root = snapshot(commit)
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => undefined)
      const paths = entries
        ?.filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name))
      return paths
        ?.map((path) => path.slice(root.length + 1).replaceAll(sep, '/'))
        .filter((path) => !isDraft(path))
    },
  }
}

/** A half-written file of `writeAtomically` or of a download. */
function isDraft(path: string): boolean {
  return path.endsWith('.tmp') || path.endsWith('.incomplete')
}

/** Throws an InputError where `folder`, followed through links, does not lie in `root`: somebody planted a link in the cache. */
export async function checkInside(root: string, folder: string): Promise<void> {
  const [outer, inner] = await Promise.all([realpath(root), realpath(folder)])
  if (inner !== outer && !inner.startsWith(outer + sep)) {
    throw new InputError(`${folder}: leads out of the cache, to ${inner}; remove that link and try again`)
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
