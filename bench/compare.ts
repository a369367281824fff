/**
 * @file `medtune compare` and `medtune runs` as whole processes, over ten runs of 10,000 steps: prints JSON with
 * medians in milliseconds.
 *   npm run build && npx tsx --conditions=medtune-source bench/compare.ts
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answers, makeRun } from '../test/helpers/run-folders.ts'

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'medtune-bench-'))
const ids = Array.from({ length: 10 }, (_, i) => `2026-11-22T10-0${i}-00Z-demo-${i}`)
ids.forEach((id, i) => {
  const exam = (n: number, shift: number) => answers(n, (q) => (q * 7 + shift) % 5 > 1)
  makeRun(root, {
    id,
    steps: 10_000,
    config: { adapter: { use: 'lora', rank: 4 * (i + 1) } },
    loss: (step) => 2 + 3 / step + Math.sin(step * i) / 10,
    items: {
      exam: { base: exam(250, 0), tuned: exam(250, i) },
      other: { base: exam(1000, 0), tuned: exam(1000, 2 * i) },
    },
  })
})

const commands = {
  'compare, 10 runs': ['compare', ...ids],
  'compare, 10 runs, markdown, 50 samples': ['compare', ...ids, '--format', 'markdown', '--samples', '50'],
  runs: ['runs'],
}
const medians = Object.entries(commands).map(([name, words]) => {
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now()
    const { status, stderr } = spawnSync(process.execPath, [main, ...words, '--runs-dir', root], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return performance.now() - start
  }).sort((a, b) => a - b)
  return [name, Math.round(times[3]!)]
})
rmSync(root, { recursive: true })
console.log(JSON.stringify({ node: process.version, median_ms: Object.fromEntries(medians) }, null, 2))
