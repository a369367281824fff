/**
 * @file Expected against measured memory of whole runs: each case trains a few steps by the command line, in a process
 * of its own, on rows made up to fill `length` tokens. Prints a JSON line a case; `npm run build` comes first.
 *   npx tsx bench/memory.ts <model folder>:<length>[:recompute] ...
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const STEPS = 4
const WORDS =
  'the pain of a fracture is felt at once and treated with rest or surgery as its place and kind demand'.split(
    ' ',
  )

interface Measured {
  readonly expected: number
  /** Most that the process and all below it held at one time. */
  readonly measured: number
  readonly tokens_per_second: number
}

/** A document a row, cut where the row ends; all of them different. */
function rows(length: number): string {
  const words = (row: number) => Array.from({ length }, (_, i) => WORDS[(row * 7 + i * i + i) % WORDS.length])
  return Array.from({ length: 40 }, (_, row) =>
    JSON.stringify({ Question: `Case ${row}?`, Answer: words(row).join(' ') }),
  ).join('\n')
}

function recipe(folder: string, model: string, length: number, recompute: boolean): string {
  writeFileSync(join(folder, 'rows.jsonl'), rows(length))
  const file = join(folder, 'recipe.yaml')
  const parts = {
    name: 'memory',
    model: { use: 'gemma3', path: resolve(model) },
    dataset: { use: 'jsonl', path: 'rows.jsonl' },
    template: { use: 'gemma', user: '{Question}', model: '{Answer}' },
    adapter: { use: 'lora', rank: 16, alpha: 32 },
    train: { steps: STEPS, batch_size: 1, max_length: length, recompute },
    checkpoint: { keep: 0 },
  }
  writeFileSync(file, JSON.stringify(parts))
  return file
}

/** A process and those below it. */
function tree(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const children = tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
    return [pid, ...children.flatMap(tree)]
  } catch {
    return []
  }
}

function resident(pid: number): number {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

async function measure(model: string, length: number, recompute: boolean): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'medtune-bench-'))
  try {
    const cli = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
    const args = [cli, 'run', recipe(folder, model, length, recompute), '--runs-dir', join(folder, 'runs')]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    let most = 0
    const timer = setInterval(() => {
      const now = tree(child.pid!).reduce((sum, pid) => sum + resident(pid), 0)
      most = Math.max(most, now)
    }, 20)
    const code = await new Promise((resolve) => child.on('exit', resolve))
    clearInterval(timer)
    if (code !== 0) throw new Error(`the run of ${model} ended with ${code}`)
    const run = join(folder, 'runs', readdirSync(join(folder, 'runs'))[0]!)
    const read = (name: string) => JSON.parse(readFileSync(join(run, name), 'utf8'))
    const { tokens_per_second, peak_rss_bytes } = read('report.json').train
    return {
      expected: read('run.json').memory.expected,
      measured: Math.max(most, peak_rss_bytes),
      tokens_per_second,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

for (const word of process.argv.slice(2)) {
  const [model, length = '1024', again] = word.split(':')
  const found = await measure(model!, Number(length), again === 'recompute')
  const { expected, measured } = found
  console.log(JSON.stringify({ case: word, ...found, ratio: Number((expected / measured).toFixed(3)) }))
}
