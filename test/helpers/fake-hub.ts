/** @file A real HTTP server that answers as the Hugging Face Hub does, for the few requests that downloads make. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeFile {
  readonly content: Buffer
  /** Listed as stored with LFS: named by SHA-256. */
  readonly lfs?: boolean
  /** What the server sends instead of the content it lists. */
  readonly sends?: Buffer
  /** The connection is cut after this many bytes. */
  readonly cutAt?: number
}

export interface FakeHub {
  readonly url: string
  /** Path -> file of the one repository. */
  readonly files: Map<string, FakeFile>
  /** Status for every request, where not 200. */
  status: number
  /** What was asked for: method, path, and the token that came with it. */
  readonly requests: { readonly path: string; readonly token: string | undefined }[]
  close(): Promise<void>
}

export const COMMIT = 'c0ffee'.padEnd(40, '0')

export async function startFakeHub(repo: string): Promise<FakeHub> {
  const hub = { files: new Map<string, FakeFile>(), status: 200, requests: [] as FakeHub['requests'] }
  const server = createServer((request, response) => answer(hub, repo, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return Object.assign(hub, { url, close })
}

type State = Pick<FakeHub, 'files' | 'status' | 'requests'>

function answer(hub: State, repo: string, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url!.split('?')[0]!)
  hub.requests.push({ path, token: request.headers.authorization })
  const json = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  const resolved = path.split(`/${repo}/resolve/${COMMIT}/`)[1]
  const file = resolved === undefined ? undefined : hub.files.get(resolved)
  if (hub.status !== 200) json(hub.status, { error: 'refused' })
  else if (path.endsWith(`s/${repo}/revision/main`)) {
    json(200, { _id: '1', id: repo, sha: COMMIT, lastModified: '2026-01-01T00:00:00.000Z' })
  } else if (path.endsWith(`s/${repo}/tree/${COMMIT}`)) {
    json(
      200,
      [...hub.files].map(([name, file]) => listing(name, file)),
    )
  } else if (file !== undefined) send(file, request, response)
  else json(404, { error: 'not found' })
}

function listing(path: string, { content, lfs }: FakeFile) {
  const sha1 = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
  const entry = { type: 'file', path, size: content.length, oid: sha1 }
  const sha256 = createHash('sha256').update(content).digest('hex')
  return lfs ? { ...entry, lfs: { oid: sha256, size: content.length, pointerSize: 130 } } : entry
}

function send(
  { content, sends = content, cutAt }: FakeFile,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const etag = '"etag"'
  if (request.headers.range === 'bytes=0-0') {
    response
      .writeHead(206, { etag, 'content-range': `bytes 0-0/${content.length}` })
      .end(sends.subarray(0, 1))
    return
  }
  response.writeHead(200, { etag, 'content-length': sends.length })
  if (cutAt === undefined) response.end(sends)
  else response.write(sends.subarray(0, cutAt), () => setTimeout(() => request.destroy(), 20))
}
