/** @file `medtune dashboard`: serves the page until it is stopped, or writes it into one file. */
import { stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { startDashboard } from '../dashboard/server/server.ts'
import { InputError } from '../util/errors.ts'
import { UsageError } from './failure.ts'
import { readyOutFile } from './out-file.ts'

export interface DashboardOptions {
  readonly port?: string
  readonly host: string
  readonly readOnly?: boolean
  readonly export?: string
  readonly filter?: string
}

/** The port that is taken if none is asked for and it is free. */
const PORT = 7007

export async function dashboard(root: string, options: DashboardOptions): Promise<number> {
  const found = await stat(root).catch(() => undefined)
  if (!found?.isDirectory()) throw new InputError(`${root}: no such folder; a run makes it, or name another`)
  if (options.export !== undefined) {
    readyOutFile(options.export)
    const { exportReport } = await import('../dashboard/server/report.ts')
    const { runs, bytes } = await exportReport(root, options.export, options.filter ?? '')
    process.stderr.write(
      `${options.export}: ${runs === 1 ? '1 run' : `${runs} runs`}, ${(bytes / 1e6).toFixed(1)} MB\n`,
    )
    return 0
  }
  if (options.filter !== undefined) throw new UsageError('--filter goes with --export; the page has its own')
  const server = await start(root, options)
  const names = relative(process.cwd(), root) || '.'
  process.stdout.write(`${server.url}\n`)
  process.stderr.write(`serving ${names}; Ctrl-C stops it\n`)
  if (!isLocal(options.host)) {
    process.stderr.write(
      `warning: ${options.host} can be reached from other machines, and the connection is not encrypted; whoever has the address above sees these runs\n`,
    )
  }
  await signalled()
  await server.close()
  return 0
}

async function start(root: string, { port, host, readOnly }: DashboardOptions) {
  const wanted = port === undefined ? PORT : Number(port)
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65535) {
    throw new UsageError(`--port ${port}: expected a number from 0 to 65535`)
  }
  const onError = (error: unknown): void => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`)
  }
  const options = { root, host, readOnly: readOnly ?? false, onError }
  try {
    return await startDashboard({ ...options, port: wanted })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' && port === undefined) return startDashboard({ ...options, port: 0 })
    if (code === 'EADDRINUSE') throw new UsageError(`port ${port} is taken; --port 0 takes one that is free`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new UsageError(`--host ${host}: this machine has no such address`)
    }
    throw error
  }
}

const isLocal = (host: string): boolean => host === '127.0.0.1' || host === '::1' || host === 'localhost'

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
