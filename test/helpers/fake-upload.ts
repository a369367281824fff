/** @file A real HTTP server that takes uploads as the Hugging Face Hub does: make a repository, large files apart, one commit. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeUploads {
  readonly url: string
  /** What repositories were asked for: name, owner, visibility. */
  readonly created: Record<string, unknown>[]
  /** Path -> content of what was committed. */
  readonly files: Map<string, Buffer>
  /** Titles of the commits. */
  readonly commits: string[]
  /** Tokens that came with requests, by path. */
  readonly tokens: Map<string, string | undefined>
  /** Status of the answer to making a repository: 200, or 409 where it is there. */
  createStatus: number
  close(): Promise<void>
}

export async function startFakeUploads(): Promise<FakeUploads> {
  const large = new Map<string, Buffer>()
  const state = {
    created: [] as Record<string, unknown>[],
    files: new Map<string, Buffer>(),
    commits: [] as string[],
    tokens: new Map<string, string | undefined>(),
    createStatus: 200,
  }
  const takeLine = ({ key, value }: { key: string; value: Record<string, string> }): void => {
    if (key === 'header') state.commits.push(value.summary!)
    if (key === 'file') state.files.set(value.path!, Buffer.from(value.content!, 'base64'))
    if (key === 'lfsFile') state.files.set(value.path!, large.get(value.oid!)!)
  }
  const answer = async (request: IncomingMessage, url: string): Promise<[number, unknown]> => {
    const path = request.url!.split('?')[0]!
    const body = await readBody(request)
    state.tokens.set(path, request.headers.authorization)
    if (path === '/api/repos/create') {
      state.created.push(JSON.parse(body.toString()))
      return [state.createStatus, { url: `${url}/made`, id: '1' }]
    }
    if (path.includes('/preupload/')) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string }[] }
      const mode = (name: string) => (name.endsWith('.safetensors') ? 'lfs' : 'regular')
      return [200, { files: files.map((file) => ({ path: file.path, uploadMode: mode(file.path) })) }]
    }
    if (path.endsWith('.git/info/lfs/objects/batch')) {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] }
      const upload = (oid: string) => ({ upload: { href: `${url}/storage/${oid}` } })
      return [
        200,
        { transfer: 'basic', objects: objects.map((one) => ({ ...one, actions: upload(one.oid) })) },
      ]
    }
    if (path.startsWith('/storage/')) {
      const right = createHash('sha256').update(body).digest('hex') === path.slice('/storage/'.length)
      large.set(path.slice('/storage/'.length), body)
      return [right ? 200 : 400, {}]
    }
    if (!path.includes('/commit/')) return [404, { error: 'not found' }]
    for (const line of body.toString().split('\n')) takeLine(JSON.parse(line))
    return [200, { commitOid: 'c'.repeat(40), commitUrl: `${url}/commit`, hookOutput: '' }]
  }
  const server = createServer((request, response) => {
    const url = `http://${request.headers.host}`
    void answer(request, url).then(([status, value]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return Object.assign(state, { url, close })
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
