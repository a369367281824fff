/**
 * @file A real HTTP server with the contract of MLflow's tracking API: it keeps what it is sent, and refuses what
 * mlflow/utils/validation.py refuses. Points of a metric append, parameters are written once.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeRun {
  readonly experiment: string
  readonly name: string
  readonly start: number
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

function setTag(run: FakeRun, key: string, value: string): void {
  checkKey(key)
  if (typeof value !== 'string' || value.length > 5000) throw new Refusal(`tag ${key}`)
  run.tags.set(key, value)
}

export async function startFakeMlflow(): Promise<FakeMlflow> {
  const experiments = new Map<string, string>()
  const fake: Omit<FakeMlflow, 'url' | 'close'> = {
    runs: new Map(),
    artifacts: new Map(),
    requests: [],
    faults: [],
  }
  const runOf = (id: unknown): FakeRun => {
    const run = fake.runs.get(String(id))
    if (!run) throw new Refusal(`Run '${id}' not found`, 'RESOURCE_DOES_NOT_EXIST', 404)
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
      const id = `run${fake.runs.size + 1}`
      const run: FakeRun = {
        experiment: body.experiment_id,
        name: body.run_name,
        start: body.start_time,
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
    'runs/update': ({ run_id, status, end_time }: { run_id: string; status: string; end_time: number }) => {
      Object.assign(runOf(run_id), { status, end: end_time })
      return {}
    },
    'metrics/get-history': (_body, query) => ({
      metrics: runOf(query.get('run_id')).metrics.filter(({ key }) => key === query.get('metric_key')),
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
        : answerTo(calls, pathname, searchParams, bytes)
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

function answerTo(
  calls: Record<string, (body: never, query: URLSearchParams, bytes: number) => object>,
  pathname: string,
  query: URLSearchParams,
  bytes: Buffer,
): object {
  const call = calls[pathname.replace('/api/2.0/mlflow/', '')]
  if (!call) throw new Refusal(`no endpoint ${pathname}`, 'ENDPOINT_NOT_FOUND', 404)
  return call((bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as never, query, bytes.length)
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
