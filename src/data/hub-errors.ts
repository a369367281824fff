/** @file Says what a failed request to the Hub means and what to do about it. */
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
    default:
      return `the Hub answered with status ${status}; ${elsewhere(type)}`
  }
}

function explainNetwork(error: unknown, { type }: Request): string {
  const cause = (error as { cause?: { code?: unknown; message?: unknown } } | null)?.cause
  const detail = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error))
  const host = process.env.HF_ENDPOINT ?? 'huggingface.co'
  return `the Hub cannot be reached at ${host} (${String(detail)}); ${elsewhere(type)}`
}

function elsewhere(type: 'model' | 'dataset'): string {
  return type === 'dataset'
    ? 'try again later, or download the file elsewhere and use dataset.use=jsonl dataset.path=<file>'
    : 'try again later, or download the folder elsewhere and use model.path=<folder>'
}
