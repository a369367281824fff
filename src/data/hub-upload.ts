/** @file Uploads files into a model repository of the Hugging Face Hub. */
import { pathToFileURL } from 'node:url'
import { InputError } from '../util/errors.ts'
import { isOffline, offlineReason } from '../util/offline.ts'
import { PATIENCE, type Patience } from '../util/retry.ts'
import { hubAccess } from './hub.ts'
import { explainHubError } from './hub-errors.ts'
import { unsafeName } from './safe-name.ts'

export interface UploadRequest {
  /** `owner/name`; made where it is not there. */
  readonly repo: string
  /** Path in the repository -> absolute path of a file, or a text. */
  readonly files: ReadonlyMap<string, { readonly file: string } | { readonly text: string }>
  readonly message: string
  /** Branch to commit to; main if left out. */
  readonly branch?: string | undefined
  /** Whether a repository that is made is private. */
  readonly private: boolean
  readonly patience?: Patience | undefined
}

/** Makes one commit of all files. Throws an InputError that says what to do where the Hub refuses. */
export async function uploadModel(
  request: UploadRequest,
): Promise<{ readonly url: string; readonly commit: string }> {
  const { repo, files, message, branch, patience = PATIENCE } = request
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo) || unsafeName(repo) !== undefined) {
    throw new InputError(`${JSON.stringify(repo)} is no repository to write to; give owner/name`)
  }
  if (isOffline())
    throw new InputError(`${repo}: ${offlineReason()}, so nothing can be uploaded; run without it`)
  const { accessToken, ...access } = await hubAccess(patience)
  if (accessToken === undefined) {
    throw new InputError(
      `${repo}: uploading needs a token that may write; set HF_TOKEN, or run: hf auth login`,
    )
  }
  const hub = await import('@huggingface/hub')
  const designation = { type: 'model' as const, name: repo }
  try {
    await hub
      .createRepo({ repo: designation, accessToken, private: request.private, ...access })
      .catch(acceptExisting)
    const made = await hub.uploadFiles({
      repo: designation,
      accessToken,
      ...access,
      commitTitle: message,
      ...(branch === undefined ? {} : { branch }),
      // The older protocol: it needs no further library, and the Hub takes both.
      useXet: false,
      files: [...files].map(([path, content]) => ({
        path,
        content: 'text' in content ? new Blob([content.text]) : pathToFileURL(content.file),
      })),
    })
    return { url: `${access.hubUrl}/${repo}`, commit: made?.commit.oid ?? '' }
  } catch (error) {
    throw explainUpload(error, repo)
  }
}

function acceptExisting(error: unknown): void {
  if ((error as { statusCode?: unknown }).statusCode !== 409) throw error
}

function explainUpload(error: unknown, repo: string): InputError {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  if (status === 401 || status === 403) {
    return new InputError(
      `${repo}: the Hub does not let this token write there (${status}); take a token with the right to write, and an owner that is you or your organisation`,
      { cause: error },
    )
  }
  return explainHubError(error, { repo, type: 'model' }).explained
}
