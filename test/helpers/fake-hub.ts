/** @file A real HTTP server that answers as the Hugging Face Hub does, for the few requests that downloads make. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface FakeFile {
  readonly content: Buffer
  /** Listed as stored with LFS: named by SHA-256. */
  readonly lfs?: boolean
  /** What the server sends instead of the content it lists. */
  readonly sends?: Buffer
  /** The connection is cut after this many bytes of an answer. */
  readonly cutAt?: number
  /** Size that the listing claims. */
  readonly claims?: unknown
  /** Hash that the listing claims. */
  readonly oid?: string
  /** Listed, but not there. */
  readonly gone?: boolean
  /** Milliseconds between two parts of an answer of 8 kB each. */
  readonly slow?: number
}

/** An answer in place of the right one; 200 stands for the right one. */
export interface Fault {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface FakeHub {
  readonly url: string
  /** Path -> file of the first repository. */
  readonly files: Map<string, FakeFile>
  filesOf(repo: string): Map<string, FakeFile>
  /** Status for every request, where not 200. */
  status: number
  /** The commit that a revision is said to be. */
  sha: string
  /** Answers to the next requests, before the right ones come. */
  readonly faults: Fault[]
  /** Whether a part of a file can be asked for. */
  ranges: boolean
  /** Where contents are redirected to. */
  redirect: string | undefined
  /** What was asked for: path, and the token and range that came with it. */
  readonly requests: {
    readonly path: string
    readonly token: string | undefined
    readonly range: string | undefined
  }[]
  /** Bytes of contents that were handed to connections. */
  sent: number
  close(): Promise<void>
}

export const COMMIT = 'c0ffee'.padEnd(40, '0')

export async function startFakeHub(...repos: readonly string[]): Promise<FakeHub> {
  const contents = new Map(repos.map((repo) => [repo, new Map<string, FakeFile>()]))
  const hub: State = {
    contents,
    status: 200,
    sha: COMMIT,
    faults: [],
    ranges: true,
    redirect: undefined,
    requests: [],
    sent: 0,
  }
  const server = createServer((request, response) => answer(hub, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const filesOf = (repo: string) => contents.get(repo)!
  return Object.assign(hub, { url, close, files: filesOf(repos[0]!), filesOf })
}

type State = Omit<FakeHub, 'url' | 'close' | 'files' | 'filesOf'> & {
  readonly contents: ReadonlyMap<string, Map<string, FakeFile>>
}

function answer(hub: State, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url!.split('?')[0]!)
  const { authorization: token, range } = request.headers
  hub.requests.push({ path, token, range })
  const json = (status: number, value: unknown, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
  const fault = hub.faults.shift()
  const [repo, files] = [...hub.contents].find(([name]) => path.includes(`/${name}/`)) ?? []
  const file = files?.get(path.split(`/${repo}/resolve/${COMMIT}/`)[1] ?? '\0')
  if (fault !== undefined && fault.status !== 200) json(fault.status, { error: 'fault' }, fault.headers)
  else if (hub.status !== 200) json(hub.status, { error: 'refused' })
  else if (files === undefined) json(404, { error: 'not found' })
  else if (path.endsWith(`s/${repo}/revision/main`)) {
    json(200, { _id: '1', id: repo, sha: hub.sha, lastModified: '2026-01-01T00:00:00.000Z' })
  } else if (path.endsWith(`s/${repo}/tree/${COMMIT}`)) {
    json(
      200,
      [...files].map(([name, one]) => listing(name, one)),
    )
  } else if (file === undefined || file.gone) {
    json(404, { error: 'not found' })
  } else if (hub.redirect !== undefined) {
    response.writeHead(302, { location: `${hub.redirect}${request.url}` }).end()
  } else void send(hub, file, request, response)
}

function listing(path: string, { content, lfs, oid, claims = content.length }: FakeFile) {
  const sha1 = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
  const entry = { type: 'file', path, size: claims, oid: oid ?? sha1 }
  const sha256 = createHash('sha256').update(content).digest('hex')
  return lfs ? { ...entry, lfs: { oid: oid ?? sha256, size: claims, pointerSize: 130 } } : entry
}

async function send(
  hub: State,
  { content, sends = content, cutAt, slow = 0 }: FakeFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = hub.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') : null
  const start = asked === null ? 0 : Number(asked[1])
  if (start >= sends.length && start > 0) {
    response.writeHead(416).end()
    return
  }
  const body = sends.subarray(start)
  const range = `bytes ${start}-${sends.length - 1}/${sends.length}`
  response.writeHead(asked === null ? 200 : 206, {
    etag: '"etag"',
    'content-length': body.length,
    ...(asked === null ? {} : { 'content-range': range }),
  })
  const end = Math.min(body.length, cutAt ?? body.length)
  const part = slow > 0 ? 8192 : Math.max(1, end)
  for (let at = 0; at < end && !response.destroyed; at += part) {
    const piece = body.subarray(at, Math.min(end, at + part))
    hub.sent += piece.length
    await new Promise((resolve) => response.write(piece, resolve))
    if (slow > 0) await sleep(slow)
  }
  if (end === body.length) response.end()
  else setTimeout(() => request.destroy(), 20)
}
