/** @file Data from the server that the page came from. */
import { decodeSeries } from '../../shared/frame.ts'
import type { Change, SampleQuery } from '../../shared/wire.ts'
import type { Source } from './source.ts'

type Params = Readonly<Record<string, string | number | undefined>>

function address(path: string, keys: readonly string[], params: Params = {}): string {
  const found = new URLSearchParams()
  if (keys.length > 0) found.set('run', keys.join(','))
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && !Number.isNaN(value)) found.set(key, String(value))
  }
  return `/api/${path}?${found}`
}

async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { credentials: 'same-origin', ...init })
  if (response.ok) return response
  throw new Error((await response.text()).trim() || `the server answered ${response.status}`)
}

const sampleParams = ({ evaluation, show, search, offset, limit }: SampleQuery): Params => ({
  evaluation,
  show,
  search,
  offset,
  limit,
})

export const httpSource: Source = {
  overview: async () => (await ask('/api/runs')).json(),
  async series({ keys, metric, x, from, to, buckets, log, smoothing }, signal) {
    const params = { metric, x, from, to, buckets, smoothing, log: log ? 1 : undefined }
    return decodeSeries(await (await ask(address('series', keys, params), { signal })).arrayBuffer())
  },
  detail: async (key) => (await ask(address('run', [key]))).json(),
  sweep: async (key) => (await ask(address('sweep', [], { sweep: key }))).json(),
  compare: async (keys, signal) => (await ask(address('compare', keys), { signal })).json(),
  samples: async (query, signal) =>
    (await ask(address('samples', query.keys, sampleParams(query)), { signal })).json(),
  sample: async (query, item) =>
    (await ask(address('sample', query.keys, { ...sampleParams(query), item }))).json(),
  async notes(key, change) {
    const headers = { 'Content-Type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(change) }
    return (await ask(address('notes', [key]), init)).json()
  },
  follow(cursor, onChange, onState) {
    let stream: EventSource | undefined
    let last = cursor
    const open = (): void => {
      stream = new EventSource(`/api/events?since=${encodeURIComponent(last)}`)
      stream.onopen = () => onState(true)
      stream.onmessage = (event: MessageEvent<string>) => {
        last = event.lastEventId || last
        onChange(JSON.parse(event.data) as Change)
      }
      stream.onerror = () => onState(false)
    }
    // A browser holds few connections to one server: pages that nobody sees must not keep them.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) stream?.close()
      else if (stream?.readyState === EventSource.CLOSED) open()
    })
    open()
  },
  reportOf: (keys) => address('report', keys),
}
