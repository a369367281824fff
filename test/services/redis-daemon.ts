/** @file A Redis server of Debian's package on a port of its own, in memory only. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'

const PROGRAM = '/usr/bin/redis-server'

/** Why Redis cannot be tested here; undefined where it can. */
export function redisMissing(): string | undefined {
  return existsSync(PROGRAM) ? undefined : `${PROGRAM} not installed: apt-get install redis-server`
}

export interface RedisDaemon {
  readonly url: string
  stop(): Promise<void>
}

export async function startRedis(folder: string): Promise<RedisDaemon> {
  const port = await freePort()
  const child = spawn(
    PROGRAM,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    { stdio: 'ignore' },
  )
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { retryStrategy: (times: number) => (times < 50 ? 100 : null) })
  client.on('error', () => undefined)
  await client.ping()
  await client.quit()
  return {
    url,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    },
  }
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
