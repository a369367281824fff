/** @file `medtune resume` and signals, as a user meets them: real processes, real signals, a real full disk. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type Ended, type Execution, MEDTUNE, medtuneIn } from '../helpers/program.ts'
import { tempFolder } from '../helpers/temp.ts'
import { smallProject } from '../run/project.ts'

let project: string

beforeAll(async () => {
  project = await smallProject()
})

const medtune = (args: readonly string[], watch?: Execution['watch']) =>
  medtuneIn(args, { cwd: project, watch })

const runIn = (runsDir: string) => path.join(runsDir, readdirSync(path.join(project, runsDir))[0]!)
const record = (folder: string) => JSON.parse(readFileSync(path.join(project, folder, 'run.json'), 'utf8'))

/** Calls `action` once, when the text is there. */
function once(
  text: string,
  action: (child: ChildProcess) => void,
): (stderr: string, child: ChildProcess) => void {
  let done = false
  return (stderr, child) => {
    if (done || !stderr.includes(text)) return
    done = true
    action(child)
  }
}

test('a signal saves and stops; while a run has an owner no other may resume it; a second signal ends at once', async () => {
  const long = ['train.steps=100000', 'eval=[]', 'checkpoint.keep=1']
  let second: Promise<Ended> | undefined
  const first = await medtune(
    ['run', 'recipe.yaml', ...long, '--runs-dir', 'signals'],
    once('step 1/', (child) => {
      second = medtune(['resume', runIn('signals')]).finally(() => child.kill('SIGUSR1'))
    }),
  )
  const refused = await second!
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/error: .*: process \d+ on .* owns this run/)
  expect(first.code).toBe(130)
  const folder = runIn('signals')
  expect(first.stderr).not.toContain('Debugger')
  expect(first.stderr).toContain('SIGUSR1: saving and stopping after this batch; once more ends at once')
  expect(first.stderr).toContain(`stopped: SIGUSR1; go on with: medtune resume ${folder}`)
  expect(record(folder)).toMatchObject({ status: 'stopped', reason: 'SIGUSR1' })
  const saved = readdirSync(path.join(project, folder, 'checkpoints'))
  expect(saved).toEqual([String(record(folder).step)])

  // Resumed, and ended by two signals in the same moment.
  const resumed = await medtune(
    ['resume', folder],
    once('step ', (child) => {
      child.kill('SIGTERM')
      child.kill('SIGINT')
    }),
  )
  // By its own exit code, never by the signals themselves; native code that is torn down in mid-computation may crash.
  expect([null, 'SIGSEGV', 'SIGABRT']).toContain(resumed.signal)
  expect(resumed.code ?? 130).toBe(130)
  expect(record(folder).resumed).toMatchObject([{ step: Number(saved[0]) }])
  // Whatever it left behind does not keep the next one away.
  const changed = await medtune(['resume', folder, 'train.steps=3', '--json'])
  expect(changed.code).toBe(2)
  expect(JSON.parse(changed.stdout)).toMatchObject({
    ok: false,
    error: expect.stringContaining('train.steps: 100000 -> 3'),
  })
})

test('a run goes on when nobody reads what it says, and its report says the same', async () => {
  const child = spawn(process.execPath, [...MEDTUNE, 'run', 'recipe.yaml', '--runs-dir', 'deaf'], {
    cwd: project,
    env: { ...process.env, NO_COLOR: '1', CI: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr.once('data', () => child.stderr.destroy())
  child.stdout.destroy()
  await new Promise((resolve) => child.on('close', resolve))
  expect(record(runIn('deaf'))).toMatchObject({ status: 'done', step: 6 })
})

const disk = tempFolder()
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mountable()

function mountable(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk], { stdio: 'ignore' })
    execFileSync('umount', [disk])
    return true
  } catch {
    return false
  }
}

test.skipIf(!canMount)(
  'a disk that fills up: what failed, what is left, how to go on; with room, it does',
  async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk])
    try {
      const args = [
        'run',
        'recipe.yaml',
        'eval=[]',
        'checkpoint.every=1',
        'checkpoint.keep=9',
        '--runs-dir',
        disk,
      ]
      const full = await medtune(args)
      expect(full.code).toBe(1)
      const folder = path.join(disk, readdirSync(disk)[0]!)
      expect(full.stderr).toMatch(
        /error: the checkpoint of step \d could not be written: .*no space left on device.*; the last good one is of step \d\. Make room on that disk, then go on with `medtune resume`\.\n/,
      )
      expect(full.stderr).not.toMatch(/\n +at /)
      expect(JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8'))).toMatchObject({
        status: 'failed',
        reason: expect.stringContaining('no space left on device'),
      })
      execFileSync('mount', ['-o', 'remount,ro', disk])
      const readOnly = await medtune(['resume', folder])
      expect(readOnly.code).toBe(2)
      expect(readOnly.stderr).toMatch(/cannot be written \(EROFS\), so the run cannot go on there/)
      execFileSync('mount', ['-o', 'remount,rw,size=20m', disk])
      const more = await medtune(['resume', folder])
      expect(more.stderr + more.stdout).toMatch(/small: 6 steps/)
      expect(more.code).toBe(0)
      expect(existsSync(path.join(folder, 'adapter/adapter_model.safetensors'))).toBe(true)
    } finally {
      execFileSync('umount', [disk])
    }
  },
)
