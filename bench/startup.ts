/**
 * @file Start-up of the command line as whole processes: prints JSON with medians in milliseconds.
 *   npm run build && npx tsx --conditions=medtune-source bench/startup.ts
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Bench } from 'tinybench'

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const commands = {
  '--help': ['--help'],
  '--version': ['--version'],
  'validate quickstart': ['validate', 'quickstart'],
  plugins: ['plugins'],
}

function runs(words: readonly string[], expected = 0): void {
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== expected) throw new Error(`${words.join(' ')}: exit ${status}: ${stderr}`)
}

const bench = new Bench({ iterations: 15, time: 0, warmupIterations: 2, warmupTime: 0 })
bench.add('node alone', () => runs(['-e', '0']))
for (const [name, words] of Object.entries(commands)) bench.add(name, () => runs([main, ...words]))
bench.add('validate, three mistakes', () =>
  runs([main, 'validate', 'quickstart', 'adapter.rnk=8', 'train.steps=-1', 'model.path=nowhere'], 2),
)
await bench.run()
const medians = bench.tasks.map((task) => [
  task.name,
  Math.round((task.result as { latency: { p50: number } }).latency.p50),
])
console.log(JSON.stringify({ node: process.version, median_ms: Object.fromEntries(medians) }, null, 2))
