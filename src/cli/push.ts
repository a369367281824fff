/** @file `medtune push`: an adapter or a model, and what is known of it, to the Hub. */
import { colorsFor } from './colors.ts'
import { namedTarget } from './named-run.ts'

interface PushFlags {
  readonly public?: boolean
  readonly branch: string
  readonly message?: string
  readonly runsDir: string
  readonly json?: boolean
}

export async function push(target: string, repo: string, flags: PushFlags): Promise<number> {
  const { pushFolder } = await import('../push.ts')
  const { branch, message } = flags
  const folder = await namedTarget(target, flags.runsDir)
  const pushed = await pushFolder(folder, repo, { branch, message, private: flags.public !== true })
  const colors = colorsFor(process.stderr)
  for (const warning of pushed.warnings) process.stderr.write(`${colors.yellow('warning')}: ${warning}\n`)
  const text = flags.json
    ? JSON.stringify({ ok: true, ...pushed }, null, 2)
    : `${pushed.files.length} files at ${pushed.url}, commit ${pushed.commit.slice(0, 8)}`
  process.stdout.write(`${text}\n`)
  return 0
}
