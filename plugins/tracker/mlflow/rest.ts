/** @file The few calls of MLflow's REST API that a tracker needs, with retries, and errors that say what to do. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Metric {
  readonly key: string
  /** A number, or NaN, Infinity, -Infinity by name. */
  readonly value: number | string
  readonly timestamp: number
  readonly step: number
}
export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** A run as a search gives it. */
export interface FoundRun {
  readonly id: string
  readonly status: string
  /** Milliseconds; 0 where it has none yet. */
  readonly start: number
  readonly end: number
  readonly tags: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

/** The same in the server's words. */
interface WireRun {
  readonly info: {
    readonly run_id: string
    readonly status: string
    readonly start_time?: number | string
    readonly end_time?: number | string
  }
  readonly data?: { readonly tags?: readonly KeyValue[]; readonly params?: readonly KeyValue[] }
}

/** Statuses that may pass by themselves. */
const PASSING = new Set([408, 429, 500, 502, 503, 504])
const TRIES = 3
/** Runs of one page of a search. */
const PAGE = 1000
const TIMEOUT_MS = 10_000
const LONGEST_WAIT_MS = 5_000

/** The server said no, and will say so again. `code` is MLflow's own, such as RESOURCE_ALREADY_EXISTS. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export class MlflowRest {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>

  /** Credentials come from MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN. */
  constructor(uri: string, env: NodeJS.ProcessEnv = process.env) {
    this.#base = uri.replace(/\/+$/, '')
    this.#headers = authorization(env)
  }

  /** Id of an experiment, made where there is none. Two runs may ask at once. */
  async experiment(name: string): Promise<string> {
    const find = async (): Promise<string | undefined> => {
      try {
        const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`
        const { experiment } = (await this.#call('GET', path)) as { experiment: { experiment_id: string } }
        return experiment.experiment_id
      } catch (error) {
        if (error instanceof Refused && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined
        throw error
      }
    }
    const found = await find()
    if (found !== undefined) return found
    try {
      const made = (await this.#call('POST', 'experiments/create', { name })) as { experiment_id: string }
      return made.experiment_id
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'RESOURCE_ALREADY_EXISTS') throw error
      return (await find())!
    }
  }

  /** Makes a run; returns its id and where its artifacts belong. */
  async createRun(body: {
    readonly experiment_id: string
    readonly run_name: string
    readonly start_time: number
    readonly tags: readonly KeyValue[]
  }): Promise<{ readonly id: string; readonly artifacts: string }> {
    const { run } = (await this.#call('POST', 'runs/create', body)) as {
      run: { info: { run_id: string; artifact_uri?: string } }
    }
    return { id: run.info.run_id, artifacts: run.info.artifact_uri ?? '' }
  }

  async logBatch(
    run_id: string,
    batch: {
      readonly metrics?: readonly Metric[]
      readonly params?: readonly KeyValue[]
      readonly tags?: readonly KeyValue[]
    },
  ): Promise<void> {
    await this.#call('POST', 'runs/log-batch', { run_id, ...batch })
  }

  async setTag(run_id: string, key: string, value: string): Promise<void> {
    await this.#call('POST', 'runs/set-tag', { run_id, key, value })
  }

  async updateRun(run_id: string, status: string, end_time?: number): Promise<void> {
    await this.#call('POST', 'runs/update', {
      run_id,
      status,
      ...(end_time === undefined ? {} : { end_time }),
    })
  }

  async rename(run_id: string, run_name: string): Promise<void> {
    await this.#call('POST', 'runs/update', { run_id, run_name })
  }

  /** Takes a run out of sight; the server keeps it for a while. One that is not there is as good. */
  async deleteRun(run_id: string): Promise<void> {
    await this.#call('POST', 'runs/delete', { run_id }).catch((error: unknown) => {
      if (!(error instanceof Refused) || error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error
    })
  }

  /** The runs of an experiment that a filter finds, deleted ones left out. */
  async search(experiment_id: string, filter: string): Promise<FoundRun[]> {
    const found: FoundRun[] = []
    let page_token = ''
    do {
      const answer = (await this.#call('POST', 'runs/search', {
        experiment_ids: [experiment_id],
        filter,
        run_view_type: 'ACTIVE_ONLY',
        max_results: PAGE,
        ...(page_token === '' ? {} : { page_token }),
      })) as { readonly runs?: readonly WireRun[]; readonly next_page_token?: string }
      found.push(...(answer.runs ?? []).map(foundRun))
      page_token = answer.next_page_token ?? ''
    } while (page_token !== '')
    return found
  }

  /** Every point of a metric, over as many pages as it takes. */
  async history(run_id: string, metric_key: string): Promise<readonly Metric[]> {
    const metrics: Metric[] = []
    let page = ''
    do {
      const query = new URLSearchParams({ run_id, metric_key, max_results: '25000' })
      if (page !== '') query.set('page_token', page)
      const answer = (await this.#call('GET', `metrics/get-history?${query}`)) as {
        metrics?: Metric[]
        next_page_token?: string
      }
      metrics.push(...(answer.metrics ?? []))
      page = answer.next_page_token ?? ''
    } while (page !== '')
    return metrics
  }

  /** Uploads a file to a server that keeps artifacts itself. @param root the run's artifact_uri, of scheme mlflow-artifacts */
  async upload(root: string, name: string, file: string): Promise<void> {
    const folder = new URL(root).pathname.replace(/^\/+|\/+$/g, '')
    const path = [...folder.split('/'), ...name.split('/')].map(encodeURIComponent).join('/')
    const body = await readFile(file)
    await this.#send(`${this.#base}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body })
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#send(`${this.#base}/api/2.0/mlflow/${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    })
    const text = await response.text()
    try {
      return JSON.parse(text === '' ? '{}' : text)
    } catch {
      throw new Refused(response.status, '', `${this.#base} does not answer as an MLflow server does`)
    }
  }

  /** One request, asked again where the server is busy or away. */
  async #send(url: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt === TRIES
      try {
        const response = await fetch(url, {
          ...init,
          headers: { ...this.#headers, ...(init.headers as Record<string, string> | undefined) },
          redirect: 'error',
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        if (response.ok) return response
        if (last || !PASSING.has(response.status)) throw await this.#refusal(response)
        await response.body?.cancel()
        await sleep(pause(attempt, response.headers.get('retry-after')))
      } catch (error) {
        if (error instanceof Refused) throw error
        if (last) throw new Error(`${this.#base} cannot be reached (${reason(error)})`)
        await sleep(pause(attempt, null))
      }
    }
  }

  async #refusal(response: Response): Promise<Refused> {
    const { status } = response
    const body = await response.text().catch(() => '')
    if (status === 401 || status === 403) {
      const hint = 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN'
      return new Refused(status, '', `${this.#base} refuses the credentials (${status}): ${hint}`)
    }
    let [code, message] = ['', body.slice(0, 300)]
    try {
      const json = JSON.parse(body) as { error_code?: string; message?: string }
      code = json.error_code ?? ''
      message = json.message ?? message
    } catch {
      // What a proxy in between says is no JSON.
    }
    return new Refused(status, code, `${this.#base} answers ${status} ${code}: ${message}`)
  }
}

function foundRun({ info, data }: WireRun): FoundRun {
  const map = (pairs: readonly KeyValue[] = []): Map<string, string> =>
    new Map(pairs.map(({ key, value }) => [key, value]))
  return {
    id: info.run_id,
    status: info.status,
    start: Number(info.start_time ?? 0),
    end: Number(info.end_time ?? 0),
    tags: map(data?.tags),
    params: map(data?.params),
  }
}

function authorization(env: NodeJS.ProcessEnv): Record<string, string> {
  const {
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = env
  if (user !== undefined) {
    const pair = Buffer.from(`${user}:${password ?? ''}`).toString('base64')
    return { authorization: `Basic ${pair}` }
  }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Milliseconds before the next try: what the server asks for, else longer each time, never quite the same. */
function pause(attempt: number, retryAfter: string | null): number {
  const asked = Number(retryAfter)
  const wait = retryAfter !== null && asked > 0 ? asked * 1000 : 200 * 2 ** attempt * (0.5 + Math.random())
  return Math.min(wait, LONGEST_WAIT_MS)
}

function reason(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  return cause?.code ?? cause?.message ?? message
}
