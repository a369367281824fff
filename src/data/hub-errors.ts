/** @file Says what a failed request to the Hub means and what to do about it. */
import { statfs } from 'node:fs/promises'
import { InputError } from '../util/errors.ts'

interface Request {
  readonly repo: string
  readonly type: 'model' | 'dataset'
  readonly revision?: string | undefined
}

/** The error for the user, and whether it is the network's fault rather than the Hub's answer. */
export function explainHubError(
  error: unknown,
  request: Request,
): { readonly explained: InputError; readonly unreachable: boolean } {
  if (error instanceof InputError) return { explained: error, unreachable: false }
  const disk = explainDisk(error)
  if (disk !== undefined)
    return { explained: new InputError(`${request.repo}: ${disk}`, { cause: error }), unreachable: false }
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  const unreachable = typeof status !== 'number' || status >= 500 || status === 429
  const reason = typeof status === 'number' ? explainStatus(status, request) : explainNetwork(error, request)
  return { explained: new InputError(`${request.repo}: ${reason}`, { cause: error }), unreachable }
}

function explainStatus(status: number, { repo, type, revision }: Request): string {
  const page = `https://huggingface.co/${type === 'dataset' ? 'datasets/' : ''}${repo}`
  switch (status) {
    case 401:
    case 403:
      return `the Hub refuses access (${status}). It is gated, private or not there: accept its licence at ${page}, then set HF_TOKEN to a token that may read it`
    case 404:
      return `there is no such ${type}${revision === undefined ? '' : `, or no revision ${revision} of it`}, on the Hub (404); see ${page}`
    case 429:
      return `the Hub answers that there were too many requests (429); ${process.env.HF_TOKEN ? 'wait some minutes' : 'wait some minutes, or set HF_TOKEN, which allows more'}`
    default:
      return `the Hub answered with status ${status}; ${elsewhere(type)}`
  }
}

function explainNetwork(error: unknown, { type }: Request): string {
  const cause = (error as { cause?: { code?: unknown; message?: unknown } } | null)?.cause
  const detail = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error))
  const host = process.env.HF_ENDPOINT ?? 'huggingface.co'
  const proxy =
    process.env.https_proxy ?? process.env.HTTPS_PROXY ?? process.env.http_proxy ?? process.env.HTTP_PROXY
  const through = proxy ? ` through the proxy ${withoutPassword(proxy)}` : ''
  return `the Hub cannot be reached at ${host}${through} (${String(detail)}); ${elsewhere(type)}`
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//')
}

/** Failures of the file system have a path; those of the network have not. */
function explainDisk(error: unknown): string | undefined {
  const { code, syscall, path, cause } = (error ?? {}) as NodeJS.ErrnoException
  if (code === undefined || DISK[code] === undefined || syscall === 'connect') {
    return cause === undefined ? undefined : explainDisk(cause)
  }
  const where = path === undefined ? 'the cache' : path
  return `${where} cannot be written: ${DISK[code]} (${code}). ${CACHE_ADVICE}`
}

const CACHE_ADVICE = 'Set HF_HOME to a folder elsewhere, or mend this one, and run again'
const DISK: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is used up',
  EROFS: 'it lies on a read-only disk',
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  ENOTDIR: 'a part of that path is a file',
}

/** Throws an InputError where the disk of `folder` (which is there) has less than `bytes` left. */
export async function checkSpace(repo: string, folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bytes <= bavail * bsize) return
  const mb = (value: number): string => `${Math.ceil(value / 1e6).toLocaleString('en-US')} MB`
  throw new InputError(
    `${repo}: ${mb(bytes)} are to be downloaded and ${folder} has ${mb(bavail * bsize)} left. ${CACHE_ADVICE}`,
  )
}

function elsewhere(type: 'model' | 'dataset'): string {
  return type === 'dataset'
    ? 'try again later, or download the file elsewhere and use dataset.use=jsonl dataset.path=<file>'
    : 'try again later, or download the folder elsewhere and use model.path=<folder>'
}
