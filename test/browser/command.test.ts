/** @file `medtune dashboard`: its address, its report, what it refuses, and who is let in. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../helpers/temp.ts'
import { useStage } from './stage.ts'

const stage = useStage()
const { root } = stage
const program = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  'src/cli/main.ts',
  'dashboard',
]

test('prints an address that works, says so where others can reach it, and ends by Ctrl-C', async () => {
  const child = spawn(process.execPath, [...program, root, '--port', '0', '--host', '0.0.0.0'])
  const [out, err] = [gather(child.stdout), gather(child.stderr)]
  await until(() => /^http:\S+token=\S+\n/.test(out()) && err().includes('warning'))
  expect(err()).toMatch(/0\.0\.0\.0 can be reached from other machines, and the connection is not encrypted/)
  const { port, searchParams } = new URL(out().trim())
  // Bound to every address, it still answers to the one name that it printed.
  expect((await fetch(`http://0.0.0.0:${port}/api/runs`)).status).toBe(401)
  expect((await fetch(`http://127.0.0.1:${port}/api/runs`)).status).toBe(403)
  const headers = { Authorization: `Bearer ${searchParams.get('token')}` }
  expect((await fetch(`http://0.0.0.0:${port}/api/runs`, { headers })).status).toBe(200)
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
})

test('writes a report, and refuses what it cannot do', async () => {
  const file = join(tempFolder(), 'r.html')
  const runs = spawnSync(process.execPath, [...program, root, '--export', file, '--filter', 'lora'], {
    encoding: 'utf8',
  })
  expect([runs.status, runs.stderr]).toEqual([0, expect.stringMatching(/12 runs, \d\.\d MB/)])
  expect(readFileSync(file, 'utf8')).toContain('medtune-report')
  const refused = (words: readonly string[]): string => {
    const { status, stderr } = spawnSync(process.execPath, [...program, ...words], { encoding: 'utf8' })
    expect(status).toBe(2)
    return stderr
  }
  expect(refused(['nowhere'])).toContain('no such folder')
  expect(refused([root, '--port', 'x'])).toContain('expected a number')
  expect(refused([root, '--port', String(stage.server.port)])).toContain('is taken')
  expect(refused([root, '--export', file, '--filter', 'name = nobody'])).toContain('no run matches')
})

test('without a token there is a word of help and nothing else', async () => {
  const page = await stage.stranger()
  const answer = await page.goto(`http://127.0.0.1:${stage.server.port}/`)
  expect([answer!.status(), await page.textContent('body')]).toEqual([
    401,
    expect.stringContaining('medtune dashboard'),
  ])
})

function gather(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (data) => {
    text += data
  })
  return () => text
}

async function until(holds: () => boolean): Promise<void> {
  for (let wait = 0; wait < 400 && !holds(); wait++) await new Promise((resolve) => setTimeout(resolve, 50))
}
