/**
 * @file A real HTTP server with the contract of MLflow's tracking API: it keeps what it is sent, and refuses what
 * mlflow/utils/validation.py refuses. Points of a metric append, parameters are written once.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeRun {
  readonly experiment: string
  name: string
  readonly start: number
  deleted: boolean
  status: string
  end: number | undefined
  readonly params: Map<string, string>
  readonly tags: Map<string, string>
  readonly metrics: {
    readonly key: string
    readonly value: unknown
    readonly step: number
    readonly timestamp: number
  }[]
}

export interface FakeMlflow {
  readonly url: string
  readonly runs: Map<string, FakeRun>
  readonly artifacts: Map<string, Buffer>
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[]
  /** Answers to the next requests, before the right ones come: a status, `cut` once the work is done, or `none`. */
  readonly faults: (number | 'cut' | 'none')[]
  readonly settings: {
    /** Runs of a page of a search, however many are asked for. */
    page: number
    /** Calls that it does not know, as servers of others lack some. */
    unknown: readonly string[]
    /** Id of the n-th run. */
    id: (n: number) => string
    /** Waited for before a call is done. */
    before: (call: string, body: Readonly<Record<string, unknown>>) => Promise<void> | void
  }
  close(): Promise<void>
}

class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(message: string, code = 'INVALID_PARAMETER_VALUE', status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

const STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']
const KEY = /^[/\w.\- ]*$/

function checkKey(key: unknown): void {
  if (typeof key !== 'string' || key === '' || key.length > 250) throw new Refusal(`key ${key}`)
  if (!KEY.test(key)) throw new Refusal(`Invalid key "${key}"`)
  const parts = key.split('/')
  if (key.startsWith('/') || parts.some((part) => part === '..' || part === '.' || part === '')) {
    throw new Refusal(`"${key}" is not a normal relative path`)
  }
}

interface Batch {
  readonly run_id: string
  readonly metrics?: FakeRun['metrics']
  readonly params?: readonly { readonly key: string; readonly value: string }[]
  readonly tags?: readonly { readonly key: string; readonly value: string }[]
}

function checkMetric({ value, timestamp, step }: FakeRun['metrics'][number]): void {
  const named = typeof value === 'string' && ['NaN', 'Infinity', '-Infinity'].includes(value)
  if (typeof value !== 'number' && !named) throw new Refusal(`metric value ${value}`)
  if (!Number.isSafeInteger(timestamp) || !Number.isSafeInteger(step)) throw new Refusal('timestamp or step')
}

function logBatch(run: FakeRun, { metrics = [], params = [], tags = [] }: Batch, bytes: number): void {
  if (bytes > 1e6) throw new Refusal(`${bytes} bytes in one batch`)
  if (metrics.length > 1000 || params.length > 100 || tags.length > 100)
    throw new Refusal('too many entities')
  if (metrics.length + params.length + tags.length > 1000) throw new Refusal('more than 1000 entities')
  for (const { key } of [...metrics, ...params, ...tags]) checkKey(key)
  metrics.forEach(checkMetric)
  if (new Set(params.map(({ key }) => key)).size < params.length) throw new Refusal('duplicate param keys')
  for (const { key, value } of params) {
    if (value.length > 6000) throw new Refusal(`param ${key} too long`)
    const old = run.params.get(key)
    if (old !== undefined && old !== value) throw new Refusal('Changing param values is not allowed')
    run.params.set(key, value)
  }
  for (const { key, value } of tags) setTag(run, key, value)
  run.metrics.push(...metrics)
}

interface Search {
  readonly experiment_ids?: readonly string[]
  readonly filter?: string
  readonly run_view_type?: string
  readonly max_results?: number
  readonly page_token?: string
}

/** `<entity>.<key> <comparator> '<value>'`; keys with dots or blanks may stand in backticks or quotes. */
const COMPARISON =
  /^(tags?|params?|parameters?|attributes?|attr|run)\.(?:`([^`]+)`|"([^"]+)"|([\w.]+))\s*(!=|=)\s*(?:'([^']*)'|"([^"]*)")$/

/** The runs that comparisons joined by AND find; there is no OR. */
function matches(run: FakeRun, id: string, filter: string): boolean {
  return filter.split(/\s+and\s+/i).every((part) => {
    const found = COMPARISON.exec(part.trim())
    if (!found) throw new Refusal(`Invalid clause(s) in filter string: '${part}'`)
    const [, entity, ticked, quoted, bare, comparator, single, double] = found
    const key = (ticked ?? quoted ?? bare)!
    const attributes = new Map([
      ['run_id', id],
      ['status', run.status],
      ['run_name', run.name],
    ])
    const source = /^tag/.test(entity!) ? run.tags : /^param/.test(entity!) ? run.params : attributes
    if (source === attributes && !attributes.has(key)) throw new Refusal(`Invalid attribute key '${key}'`)
    const value = source.get(key)
    // As in SQL: what is not there is equal to nothing, and different from nothing.
    return value !== undefined && (value === (single ?? double)) === (comparator === '=')
  })
}

/** Newest first, then by id, a page at a time. */
function search(runs: ReadonlyMap<string, FakeRun>, asked: Search, page: number): object {
  const { experiment_ids = [], filter = '', run_view_type = 'ACTIVE_ONLY', max_results = 1000 } = asked
  if (experiment_ids.length === 0) throw new Refusal('experiment_ids is missing')
  if (!['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'].includes(run_view_type)) throw new Refusal(run_view_type)
  if (!(max_results >= 1 && max_results <= 50_000)) throw new Refusal(`max_results ${max_results}`)
  const from = asked.page_token === undefined ? 0 : Number(asked.page_token)
  if (!Number.isSafeInteger(from)) throw new Refusal('Invalid page token')
  const found = [...runs]
    .filter(([, run]) => experiment_ids.includes(run.experiment))
    .filter(([, run]) => run_view_type === 'ALL' || run.deleted === (run_view_type === 'DELETED_ONLY'))
    .filter(([id, run]) => filter === '' || matches(run, id, filter))
    .sort(([a, one], [b, other]) => other.start - one.start || (a < b ? -1 : 1))
  const to = from + Math.min(page, max_results)
  return {
    runs: found.slice(from, to).map(([id, run]) => wireRun(id, run)),
    ...(to < found.length ? { next_page_token: String(to) } : {}),
  }
}

/** Empty lists are left out, as in the JSON of protocol buffers. */
function wireRun(id: string, run: FakeRun): object {
  const pairs = (name: string, map: ReadonlyMap<string, string>): object =>
    map.size === 0 ? {} : { [name]: [...map].map(([key, value]) => ({ key, value })) }
  return {
    info: {
      run_id: id,
      run_name: run.name,
      experiment_id: run.experiment,
      status: run.status,
      start_time: run.start,
      ...(run.end === undefined ? {} : { end_time: run.end }),
      lifecycle_stage: run.deleted ? 'deleted' : 'active',
    },
    data: { ...pairs('tags', run.tags), ...pairs('params', run.params) },
  }
}

function setTag(run: FakeRun, key: string, value: string): void {
  checkKey(key)
  if (typeof value !== 'string' || value.length > 5000) throw new Refusal(`tag ${key}`)
  run.tags.set(key, value)
}

export async function startFakeMlflow(): Promise<FakeMlflow> {
  const experiments = new Map<string, string>()
  let made = 0
  const fake: Omit<FakeMlflow, 'url' | 'close'> = {
    runs: new Map(),
    artifacts: new Map(),
    requests: [],
    faults: [],
    settings: { page: 50_000, unknown: [], id: (n) => `run${n}`, before: () => {} },
  }
  const knownRun = (id: unknown): FakeRun => {
    const run = fake.runs.get(String(id))
    if (!run) throw new Refusal(`Run '${id}' not found`, 'RESOURCE_DOES_NOT_EXIST', 404)
    return run
  }
  /** What was deleted can be read, but not written. */
  const runOf = (id: unknown): FakeRun => {
    const run = knownRun(id)
    if (run.deleted) throw new Refusal(`The run ${id} must be in the 'active' state.`)
    return run
  }
  const calls: Record<string, (body: never, query: URLSearchParams, bytes: number) => object> = {
    'experiments/get-by-name': (_body, query) => {
      const id = experiments.get(query.get('experiment_name')!)
      if (id === undefined) throw new Refusal('no such experiment', 'RESOURCE_DOES_NOT_EXIST', 404)
      return { experiment: { experiment_id: id } }
    },
    'experiments/create': ({ name }: { name: string }) => {
      if (experiments.has(name)) throw new Refusal('exists', 'RESOURCE_ALREADY_EXISTS')
      experiments.set(name, String(experiments.size + 1))
      return { experiment_id: experiments.get(name)! }
    },
    'runs/create': (body: {
      experiment_id: string
      run_name: string
      start_time: number
      tags: { key: string; value: string }[]
    }) => {
      if (fake.runs.size === 0) made = 0
      const id = fake.settings.id(++made)
      const run: FakeRun = {
        experiment: body.experiment_id,
        name: body.run_name,
        start: body.start_time,
        deleted: false,
        status: 'RUNNING',
        end: undefined,
        params: new Map(),
        tags: new Map(),
        metrics: [],
      }
      for (const { key, value } of body.tags) setTag(run, key, value)
      fake.runs.set(id, run)
      return {
        run: {
          info: { run_id: id, artifact_uri: `mlflow-artifacts:/${body.experiment_id}/${id}/artifacts` },
        },
      }
    },
    'runs/log-batch': (body: Batch, _query, bytes) => {
      logBatch(runOf(body.run_id), body, bytes)
      return {}
    },
    'runs/set-tag': ({ run_id, key, value }: { run_id: string; key: string; value: string }) => {
      setTag(runOf(run_id), key, value)
      return {}
    },
    'runs/update': (body: { run_id: string; status?: string; end_time?: number; run_name?: string }) => {
      const run = runOf(body.run_id)
      const { status = run.status, end_time = run.end, run_name = run.name } = body
      if (!STATUSES.includes(status)) throw new Refusal(`status ${status}`)
      Object.assign(run, { status, end: status === 'RUNNING' ? undefined : end_time, name: run_name })
      return {}
    },
    'runs/delete': ({ run_id }: { run_id: string }) => {
      knownRun(run_id).deleted = true
      return {}
    },
    'runs/search': (body: Search) => search(fake.runs, body, fake.settings.page),
    'metrics/get-history': (_body, query) => ({
      metrics: knownRun(query.get('run_id')).metrics.filter(({ key }) => key === query.get('metric_key')),
    }),
  }
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://local')
    fake.requests.push({ path: pathname, authorization: request.headers.authorization })
    const bytes = await bodyOf(request)
    const fault = fake.faults.shift()
    if (typeof fault === 'number') {
      response.writeHead(fault, { 'retry-after': '0.05' }).end('{}')
      return
    }
    try {
      const answer = pathname.startsWith('/api/2.0/mlflow-artifacts/artifacts/')
        ? keep(fake.artifacts, pathname, bytes)
        : await answerTo(fake.settings, calls, pathname, searchParams, bytes)
      if (fault === 'cut') request.socket.destroy()
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    } catch (error) {
      const { status = 500, code = 'INTERNAL_ERROR', message } = error as Refusal
      response.writeHead(status).end(JSON.stringify({ error_code: code, message }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...fake,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function answerTo(
  { unknown, before }: FakeMlflow['settings'],
  calls: Record<string, (body: never, query: URLSearchParams, bytes: number) => object>,
  pathname: string,
  query: URLSearchParams,
  bytes: Buffer,
): Promise<object> {
  const name = pathname.replace('/api/2.0/mlflow/', '')
  const call = calls[name]
  if (!call || unknown.includes(name)) throw new Refusal(`no endpoint ${pathname}`, 'ENDPOINT_NOT_FOUND', 404)
  const body = (bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as Readonly<Record<string, unknown>>
  await before(name, body)
  return call(body as never, query, bytes.length)
}

function keep(artifacts: Map<string, Buffer>, pathname: string, bytes: Buffer): object {
  artifacts.set(decodeURIComponent(pathname.replace('/api/2.0/mlflow-artifacts/artifacts/', '')), bytes)
  return {}
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
