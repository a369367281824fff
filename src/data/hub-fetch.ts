/**
 * @file `fetch` as the Hub needs it: through the proxy of the environment, again after a passing failure, and with the
 * token for the Hub alone, wherever a redirect or a link leads.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { InputError } from '../util/errors.ts'
import { isOffline, offlineReason } from '../util/offline.ts'
import { backoff, type Patience, retryAfter } from '../util/retry.ts'

type Fetch = typeof globalThis.fetch

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const PASSING_STATUS = new Set([408, 429, 500, 502, 503, 504])
const PASSING_CODE =
  /^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT))$/
/** Passing only where the server was reached before; else there is no network, and waiting would not help. */
const UNREACHABLE_CODE = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH)$/

/** A `fetch` for the Hub at `hubUrl`. It rejects with an InputError where the process is offline or a redirect is unsafe. */
export function hubFetch(hubUrl: string, patience: Patience): Fetch {
  const { origin } = new URL(hubUrl)
  let reached = false
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    refuseOffline(url)
    for (let failures = 1; ; failures++) {
      const last = failures >= patience.attempts
      try {
        const response = await follow(url, init, origin)
        reached = true
        const wait = last ? undefined : waitAsked(response, patience, failures)
        if (wait === undefined) return response
        await response.body?.cancel()
        await sleep(wait)
      } catch (error) {
        if (last || !isPassing(error, reached)) throw error
        await sleep(backoff(patience, failures))
      }
    }
  }
}

function refuseOffline(url: string): void {
  if (!isOffline()) return
  throw new InputError(`${offlineReason()}, so ${new URL(url).host} is not asked; run without it to download`)
}

/** Milliseconds to wait before the same request again; undefined for an answer that stands. */
function waitAsked({ status, headers }: Response, patience: Patience, failures: number): number | undefined {
  if (!PASSING_STATUS.has(status)) return undefined
  const wait = retryAfter(headers.get('retry-after')) ?? backoff(patience, failures)
  return wait > patience.longestMs ? undefined : wait
}

/** Whether a failed request may succeed when it is made again. */
export function isPassing(error: unknown, reached: boolean): boolean {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown }
  if (typeof code === 'string' && PASSING_CODE.test(code)) return true
  if (typeof code === 'string' && UNREACHABLE_CODE.test(code)) return reached
  return cause !== undefined && cause !== null && isPassing(cause, reached)
}

/** Follows redirects by hand: the token is sent to the Hub's own origin only, whoever the request was meant for. */
async function follow(url: string, init: RequestInit, origin: string): Promise<Response> {
  const send = await transport()
  let at = new URL(url)
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = new Headers(init.headers)
    if (at.origin !== origin) headers.delete('authorization')
    const response = await send(at.href, { ...init, headers, redirect: 'manual' })
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    at = safeRedirect(at, location)
  }
  throw new InputError(`${new URL(url).host} redirects more than ${MAX_REDIRECTS} times; check HF_ENDPOINT`)
}

function safeRedirect(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined
  const encrypted = to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:')
  if (to !== undefined && encrypted) return to
  throw new InputError(
    `${from.host} redirects to ${location.slice(0, 200)}, which is not followed; check HF_ENDPOINT`,
  )
}

const PROXIES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'] as const
let proxied: { readonly settings: string; readonly fetch: Fetch } | undefined

/** Node's own fetch reads no proxy variables; undici's does, with its agent for them. */
async function transport(): Promise<Fetch> {
  if (!PROXIES.slice(0, 4).some((name) => process.env[name])) return globalThis.fetch
  const settings = JSON.stringify(PROXIES.map((name) => process.env[name]))
  if (proxied?.settings === settings) return proxied.fetch
  const undici = await import('undici')
  const dispatcher = makeAgent(() => new undici.EnvHttpProxyAgent())
  // Two declarations of the same standard, which TypeScript cannot take for one another.
  const send = undici.fetch as unknown as (url: string, init: object) => Promise<Response>
  const fetch: Fetch = (input, init) => send(String(input), { ...init, dispatcher })
  proxied = { settings, fetch }
  return fetch
}

function makeAgent<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new InputError(
      `HTTPS_PROXY or HTTP_PROXY is no usable address (${(error as Error).message}); write http://host:port`,
    )
  }
}
