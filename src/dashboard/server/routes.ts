/** @file READ FIRST. What this server answers. Every address is in this table and none is made from a request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename } from 'node:path'
import { asNotes, writeNotes } from '../../track/notes.ts'
import { InputError } from '../../util/errors.ts'
import { packageVersion } from '../../util/package.ts'
import { encodeSeries } from '../shared/frame.ts'
import { readSample, readSamples } from '../shared/samples.ts'
import { readSeries } from '../shared/series.ts'
import { type Overview, type RunDetail, type SampleQuery, X_AXES } from '../shared/wire.ts'
import { type Assets, PAGE } from './assets.ts'
import { readBody } from './body.ts'
import type { Comparer } from './comparer.ts'
import { detailOf } from './detail.ts'
import type { Library } from './library.ts'
import { keys, number, oneOf, text, whole } from './params.ts'
import { json, Refusal, type Reply } from './reply.ts'
import { reportOf } from './report.ts'
import type { Stream } from './stream.ts'

export interface Context {
  readonly library: Library
  readonly stream: Stream
  readonly comparer: Comparer
  readonly assets: Assets
  readonly readOnly: boolean
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Nothing to send where the route has written the answer itself. */
  handle(context: Context, params: URLSearchParams, exchange: Exchange): Promise<Reply | undefined>
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Runs whose evaluations are compared at once. */
const MOST_COMPARED = 50

const fixed = (path: string, type: string, body: (assets: Assets) => string): Route => ({
  method: 'GET',
  path,
  handle: async ({ assets }) => ({
    status: 200,
    headers: { 'Content-Type': `${type}; charset=utf-8` },
    body: body(assets),
  }),
})

const READING: readonly Route[] = [
  fixed('/', 'text/html', () => PAGE),
  fixed('/app.js', 'text/javascript', ({ script }) => script),
  fixed('/app.css', 'text/css', ({ style }) => style),
  { method: 'GET', path: '/api/runs', handle: async (context) => json(await overview(context)) },
  {
    method: 'GET',
    path: '/api/series',
    handle: series,
  },
  {
    method: 'GET',
    path: '/api/run',
    handle: async ({ library }, params) => json(await detail(library, params)),
  },
  {
    method: 'GET',
    path: '/api/sweep',
    handle: async ({ library }, params) => {
      await library.rows()
      const sweep = library.sweeps.detail(text(params, 'sweep'))
      if (!sweep) throw new Refusal(404, 'no such sweep')
      return json(sweep)
    },
  },
  {
    method: 'GET',
    path: '/api/compare',
    handle: comparison,
  },
  {
    method: 'GET',
    path: '/api/samples',
    handle: async ({ library }, params) => json(await readSamples(library, sampleQuery(params))),
  },
  {
    method: 'GET',
    path: '/api/sample',
    handle: async ({ library }, params) => {
      const sample = await readSample(library, sampleQuery(params), text(params, 'item'))
      if (!sample) throw new Refusal(404, 'no such item')
      return json(sample)
    },
  },
  {
    method: 'GET',
    path: '/api/report',
    handle: async ({ library, assets }, params) => ({
      status: 200,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        // Opened where it is saved, it has no part in this server.
        'Content-Disposition': 'attachment; filename="report.html"',
        'Content-Security-Policy': 'sandbox',
      },
      body: await reportOf(library, keys(params), assets),
    }),
  },
  {
    method: 'GET',
    path: '/api/events',
    handle: async ({ stream }, params, { request, response }) => {
      const last = request.headers['last-event-id']
      stream.open(response, typeof last === 'string' ? last : text(params, 'since', ''))
      return undefined
    },
  },
]

const CHANGING: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/notes',
    handle: async ({ library }, params, { request }) => {
      const id = await library.idOf(text(params, 'run'))
      const change = asNotes(await readBody(request))
      if (id === undefined) throw new Refusal(404, 'no such run')
      if (!change) throw new Refusal(400, 'expected { "tags": [text], "note": text }')
      try {
        await writeNotes(library.folder(id), change)
      } catch (error) {
        if (error instanceof InputError) throw new Refusal(400, error.message)
        throw error
      }
      return json(await library.refresh(id))
    },
  },
]

/** All routes; in a read-only server none changes anything. */
export function routes(readOnly: boolean): readonly Route[] {
  return readOnly ? READING : [...READING, ...CHANGING]
}

async function overview({ library, stream, readOnly }: Context): Promise<Overview> {
  // The cursor first: what changes in between comes twice, not never.
  const cursor = stream.cursor()
  const rows = await library.rows()
  const sweeps = library.sweeps.rows()
  return { title: basename(library.root), version: packageVersion(), readOnly, rows, sweeps, cursor }
}

/** Whoever has gone on to something else lets the work on his answer end. */
async function series({ library }: Context, params: URLSearchParams, exchange: Exchange): Promise<Reply> {
  const query = seriesQuery(params)
  void library.parseAhead(query.keys).catch(() => undefined)
  const isWanted = (): boolean => !exchange.response.destroyed
  const found = await readSeries((key) => library.open(key), query, isWanted)
  return { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: encodeSeries(found) }
}

function seriesQuery(params: URLSearchParams): Parameters<typeof readSeries>[1] {
  const any: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  return {
    keys: keys(params),
    metric: text(params, 'metric'),
    x: oneOf(params, 'x', X_AXES, 'step'),
    from: number(params, 'from', any, Number.NaN),
    to: number(params, 'to', any, Number.NaN),
    buckets: whole(params, 'buckets', [1, 4000], 400),
    log: params.get('log') === '1',
    smoothing: number(params, 'smoothing', [0, 0.9999], 0),
  }
}

function sampleQuery(params: URLSearchParams): SampleQuery {
  return {
    keys: keys(params).slice(0, MOST_COMPARED),
    evaluation: text(params, 'evaluation'),
    show: oneOf(params, 'show', ['all', 'differing', 'wins', 'losses'] as const, 'all'),
    search: text(params, 'search', ''),
    offset: whole(params, 'offset', [0, 1e9], 0),
    limit: whole(params, 'limit', [1, 200], 20),
  }
}

async function detail(library: Library, params: URLSearchParams): Promise<RunDetail> {
  const id = await library.idOf(text(params, 'run'))
  if (id === undefined) throw new Refusal(404, 'no such run')
  return detailOf(library, id)
}

async function comparison({ library, comparer }: Context, params: URLSearchParams): Promise<Reply> {
  const chosen = keys(params).slice(0, MOST_COMPARED)
  const ids = await Promise.all(chosen.map((key) => library.idOf(key)))
  const body = await comparer.compare(ids.filter((id) => id !== undefined))
  return { ...json(null), body }
}
