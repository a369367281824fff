/**
 * @file Who may ask. Another page in the same browser reaches this server, and a name that someone else controls
 * may be made to mean 127.0.0.1; so Host, Origin and Fetch metadata are looked at before anything else, and
 * every request needs the token.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './reply.ts'

export interface Gate {
  readonly token: string
  readonly cookie: string
  /** Values of the Host header that are this server. */
  readonly hosts: ReadonlySet<string>
}

/** @param host the address bound to; names that reach it are those of this machine, or itself */
export function makeGate(host: string, port: number): Gate {
  const names =
    host === '127.0.0.1' || host === '::1' ? ['localhost', '127.0.0.1', '[::1]'] : [bracketed(host)]
  return {
    token: randomBytes(24).toString('base64url'),
    // Cookies do not tell ports apart: two servers on one machine must not take each other's place.
    cookie: `medtune-${port}`,
    hosts: new Set(names.map((name) => `${name}:${port}`)),
  }
}

export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** @throws Refusal for a request that did not come from this server's own page, or from no page at all */
export function checkOrigin(request: IncomingMessage, { hosts }: Gate): void {
  const url = request.url ?? ''
  if (!/^\/(?![/\\])/.test(url) || url.includes('\\')) throw new Refusal(400, 'not an address of this server')
  const host = only(request, 'host')
  if (host === undefined || !hosts.has(host)) {
    throw new Refusal(403, 'this server does not answer to that name; open the address that it printed')
  }
  const site = only(request, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new Refusal(403, 'asked for by another page')
  }
  const origin = only(request, 'origin')
  if (origin !== undefined && origin !== `http://${host}`) throw new Refusal(403, 'asked for by another page')
}

/** Whether the request has the token, as a cookie or as `Authorization: Bearer`. */
export function isKnown(request: IncomingMessage, { token, cookie }: Gate): boolean {
  const bearer = /^Bearer (\S+)$/.exec(only(request, 'authorization') ?? '')?.[1]
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const found = pairs
    .filter((pair) => pair.startsWith(`${cookie}=`))
    .map((pair) => pair.slice(cookie.length + 1))
  return [...found, ...(bearer ? [bearer] : [])].some((given) => isToken(given, token))
}

export function isToken(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

/** The token moves from the address into a cookie that no script reads and no other site sends. */
export function cookieFor({ token, cookie }: Gate): string {
  return `${cookie}=${token}; HttpOnly; SameSite=Strict; Path=/`
}

/** A header that is there once. @throws Refusal where it is there twice */
function only(request: IncomingMessage, name: string): string | undefined {
  const raw = request.rawHeaders.filter((value, i) => i % 2 === 0 && value.toLowerCase() === name)
  if (raw.length > 1) throw new Refusal(400, `header ${name} is there twice`)
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}
