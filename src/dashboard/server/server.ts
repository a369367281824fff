/** @file The server of the dashboard: answers on one address of this machine, to its own page, with a token. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Assets, readAssets } from './assets.ts'
import { Comparer } from './comparer.ts'
import { bracketed, checkOrigin, cookieFor, type Gate, isKnown, isToken, makeGate } from './guard.ts'
import { Library } from './library.ts'
import { Refusal, type Reply, send, text } from './reply.ts'
import { type Context, type Route, routes } from './routes.ts'
import { Stream } from './stream.ts'

export interface ServerOptions {
  readonly root: string
  /** 0 takes any that is free. */
  readonly port: number
  readonly host?: string
  readonly readOnly?: boolean
  readonly assets?: Assets
  /** Hears of faults of the server itself. */
  readonly onError?: (error: unknown) => void
}

export interface Dashboard {
  /** With the token; opening it once is enough. */
  readonly url: string
  readonly port: number
  readonly token: string
  readonly cookie: string
  readonly routes: readonly Route[]
  readonly library: Library
  close(): Promise<void>
}

/** @throws an error of the system, such as EADDRINUSE */
export async function startDashboard(options: ServerOptions): Promise<Dashboard> {
  const { root, host = '127.0.0.1', readOnly = false } = options
  const assets = options.assets ?? readAssets()
  const table = routes(readOnly)
  const server = createServer({ maxHeaderSize: 32 << 10, headersTimeout: 10_000, requestTimeout: 20_000 })
  const port = await listen(server, options.port, host)
  const library = new Library(root)
  const stream = new Stream(library)
  const comparer = new Comparer(root)
  const gate = makeGate(host, port)
  const answer = answerer(
    table,
    gate,
    { library, stream, comparer, assets, readOnly },
    options.onError ?? (() => {}),
  )
  server.on('request', (request, response) => void answer(request, response))
  return {
    url: `http://${bracketed(host)}:${port}/?token=${gate.token}`,
    port,
    token: gate.token,
    cookie: gate.cookie,
    routes: table,
    library,
    async close() {
      await library.close()
      stream.close()
      await comparer.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => resolve((server.address() as AddressInfo).port))
  })
}

function answerer(
  table: readonly Route[],
  gate: Gate,
  context: Context,
  onError: (error: unknown) => void,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const reply = await respond(request, response, table, gate, context)
      if (reply) send(response, reply)
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error)
      if (response.headersSent) return void response.destroy()
      const { status, message, headers } =
        error instanceof Refusal ? error : { status: 500, message: 'the server failed at this', headers: {} }
      // What is left of a body that was not read must not be taken for the next request.
      const close = request.complete ? {} : { Connection: 'close' }
      send(response, text(message, status, { ...headers, ...close }))
    }
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  table: readonly Route[],
  gate: Gate,
  context: Context,
): Promise<Reply | undefined> {
  checkOrigin(request, gate)
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
  if (pathname === '/' && request.method === 'GET' && searchParams.has('token')) {
    return enter(searchParams.get('token')!, gate)
  }
  if (!isKnown(request, gate)) {
    throw new Refusal(401, 'open the address with ?token= that "medtune dashboard" printed')
  }
  // As sent: an address that only decoding or tidying makes one of ours is none.
  const path = request.url!.split('?', 1)[0]
  const here = table.filter((route) => route.path === path)
  if (here.length === 0) throw new Refusal(404, 'no such address')
  const route = here.find((one) => one.method === request.method)
  if (!route) throw new Refusal(405, 'not this way', { Allow: here.map((one) => one.method).join(', ') })
  return route.handle(context, searchParams, { request, response })
}

/** Moves the token from the address, which is shown and kept in the history, into a cookie. */
function enter(token: string, gate: Gate): Reply {
  if (!isToken(token, gate.token))
    throw new Refusal(401, 'this token is not valid any more; see the terminal')
  return text('welcome', 303, { Location: '/', 'Set-Cookie': cookieFor(gate) })
}
