/** @file BullMQ and its Redis client, loaded when they are needed: they are optional packages. */
import type { Job, Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { EnvironmentError } from '../../util/errors.ts'
import type { QueuedTrial, TrialReturn } from './protocol.ts'

export type TrialQueue = Queue<QueuedTrial, TrialReturn>
export type TrialWorker = Worker<QueuedTrial, TrialReturn>
export type QueuedJob = Job<QueuedTrial, TrialReturn>

const CONNECT_MS = 5000

/** The address that a user gave, else MEDTUNE_QUEUE, else Redis on this machine. */
export function queueUrl(given: string | undefined): string {
  return given || process.env.MEDTUNE_QUEUE || 'redis://127.0.0.1:6379'
}

/** @throws EnvironmentError where the packages are not installed or nobody answers */
export async function connect(url: string): Promise<Redis> {
  const { Redis: Client } = await load(() => import('ioredis'))
  let connected = false
  const redis: Redis = new Client(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // Once connected, a server that is away for a while is waited for.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number): number | null => (connected ? Math.min(5000, 200 * times) : null),
  })
  // Told where it matters; without a listener it would end the process.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    connected = true
    return redis
  } catch (error) {
    redis.disconnect()
    throw new EnvironmentError(
      `Redis at ${withoutPassword(url)} does not answer: ${(error as Error).message}`,
    )
  }
}

export async function bullmq(): Promise<typeof import('bullmq')> {
  return load(() => import('bullmq'))
}

async function load<T>(module: () => Promise<T>): Promise<T> {
  try {
    return await module()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new EnvironmentError('BullMQ is not installed: npm install bullmq ioredis')
  }
}

/** An address as it may be shown and recorded. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@')
}
