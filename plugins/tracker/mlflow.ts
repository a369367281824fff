/** @file MLflow: the run's figures, parameters and records on a tracking server, beside the run folder. */
import { setTimeout as sleep } from 'node:timers/promises'
import { definePlugin, isOffline, OptionError, type RunEvent, type Tracker } from 'medtune/plugin'
import type { Mirror, MirrorOptions } from './mlflow/mirror.ts'

/** Events are gathered for so long before they are sent. */
const FLUSH_MS = 2000
/** A server that is away is asked less and less often. */
const LONGEST_PAUSE_MS = 60_000

export default definePlugin({
  kind: 'tracker',
  name: 'mlflow',
  summary: 'An MLflow tracking server, over its REST API; `medtune sync` sends what a dead server missed.',
  options: {
    type: 'object',
    properties: {
      uri: {
        type: 'string',
        minLength: 1,
        description: 'Address of the server, such as http://127.0.0.1:5000; MLFLOW_TRACKING_URI if left out.',
      },
      experiment: {
        type: 'string',
        minLength: 1,
        maxLength: 500,
        default: 'medtune',
        description: 'Its experiment.',
      },
      nan: {
        type: 'string',
        enum: ['skip', 'string'],
        default: 'skip',
        description:
          'NaN and infinities: counted in nan_count/<metric>, or sent by name, which breaks pages of some servers.',
      },
      artifacts: {
        type: 'string',
        enum: ['records', 'adapter', 'none'],
        default: 'records',
        description: 'What is uploaded at the end: recipe and report, the adapter too, or nothing.',
      },
    },
    additionalProperties: false,
  },
  create({ uri = process.env.MLFLOW_TRACKING_URI, ...rest }, { warn }): Tracker {
    return new MlflowTracker({ ...rest, uri: checked(uri) }, (message) => warn('mlflow', message))
  },
})

function checked(uri: string | undefined): string {
  if (uri === undefined || uri === '') {
    throw new OptionError(
      'uri',
      'is missing, and MLFLOW_TRACKING_URI is not set; write the address of the MLflow server',
    )
  }
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new OptionError('uri', `"${uri}" is not the address of a server, such as http://127.0.0.1:5000`)
  }
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (isOffline() && !local) {
    throw new OptionError(
      'uri',
      `${url.host} is not this machine, and no network may be used; leave the tracker out and run "medtune sync" later`,
    )
  }
  return uri
}

class MlflowTracker implements Tracker {
  readonly #options: MirrorOptions
  readonly #warn: (message: string) => void
  #mirror: Mirror | undefined
  #folder = ''
  #sending: Promise<void> | undefined
  #wait = FLUSH_MS
  #failure: unknown
  #end: Extract<RunEvent, { type: 'end' }> | undefined
  readonly #closed = new AbortController()

  constructor(options: MirrorOptions, warn: (message: string) => void) {
    this.#options = options
    this.#warn = warn
  }

  async open(folder: string): Promise<void> {
    const { Mirror } = await import('./mlflow/mirror.ts')
    this.#folder = folder
    this.#mirror = new Mirror(folder, this.#options, this.#warn)
  }

  /**
   * Events are read from the run's folder: this only says that there are some, and what the end was of a run that died
   * without writing it. Throws once what went wrong since.
   */
  record(event: RunEvent): void {
    this.#end = event.type === 'end' ? event : undefined
    this.#sending ??= this.#flushSoon().finally(() => {
      this.#sending = undefined
    })
    if (this.#failure === undefined) return
    const failure = this.#failure
    this.#failure = undefined
    throw this.#explained(failure)
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#sending
    try {
      await this.#mirror?.catchUp(this.#end)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  async #flushSoon(): Promise<void> {
    await sleep(this.#wait, undefined, { signal: this.#closed.signal, ref: false }).catch(() => undefined)
    if (this.#closed.signal.aborted) return
    try {
      await this.#mirror?.catchUp()
      this.#wait = FLUSH_MS
    } catch (error) {
      this.#failure = error
      this.#wait = Math.min(2 * this.#wait, LONGEST_PAUSE_MS)
    }
  }

  #explained(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error)
    return new Error(`${message}; what is missing there is sent by: medtune sync mlflow ${this.#folder}`, {
      cause: error,
    })
  }
}
