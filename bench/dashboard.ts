/**
 * @file The dashboard over 300 runs of 10,000 steps and six metrics, in headless Chromium: time to the first view,
 * to another metric, and the memory of the server. Prints JSON; the first of each is what a cold start costs.
 *   npm run build && npx tsx --conditions=medtune-source bench/dashboard.ts [folder to keep the runs in]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { openBrowser } from '../test/browser/browser.ts'
import { makeRun } from '../test/helpers/run-folders.ts'

const RUNS = 300
const STEPS = 10_000
const METRICS = ['grad_norm', 'lr', 'tokens_per_second', 'seconds', 'tokens', 'loss']

const kept = process.argv[2]
const root = kept ?? mkdtempSync(join(tmpdir(), 'medtune-bench-'))
if (!existsSync(join(root, 'run-0'))) {
  mkdirSync(root, { recursive: true })
  for (let i = 0; i < RUNS; i++) {
    const started = new Date(Date.parse('2026-01-01') + 3_600_000 * i).toISOString()
    makeRun(root, {
      id: `run-${i}`,
      name: `run ${i}`,
      steps: STEPS,
      config: {
        adapter: { use: 'lora', rank: 2 ** (i % 6) },
        optimizer: { use: 'adamw', lr: 1e-4 * (1 + (i % 10)) },
      },
      loss: (step) => 1 + 3 / Math.sqrt(step) + 0.1 * Math.sin(step * (i + 1)) + i / 1000,
      record: { started },
    })
  }
}

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const browser = await openBrowser()
const results: Record<string, unknown>[] = []
for (const state of ['cold', 'warm'] as const) {
  if (state === 'cold') rmSync(join(root, '.cache'), { recursive: true, force: true })
  results.push({ state, ...(await measure(state)) })
}
await browser.close()
if (!kept) rmSync(root, { recursive: true })
console.log(JSON.stringify({ runs: RUNS, steps: STEPS, node: process.version, results }, null, 2))

async function measure(state: string): Promise<object> {
  const { server, url } = await serve()
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  const start = performance.now()
  await page.goto(url)
  await drawn(page, 'loss', 10)
  const first = performance.now() - start
  const ten = await switches(page, 10)
  // Warm: what all 300 cost once their columns are on disk.
  if (state === 'warm') await page.waitForTimeout(1000)
  await page.locator('summary', { hasText: 'Draw' }).click()
  const all = performance.now()
  await page.getByRole('button', { name: 'all that match' }).click()
  await drawn(page, METRICS.at(-1)!, RUNS, 120_000)
  const drawAll = performance.now() - all
  const many = await switches(page, RUNS)
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]!
  const result = {
    first_view_ms: Math.round(first),
    switch_metric_10_drawn_ms: ten,
    draw_all_300_ms: Math.round(drawAll),
    switch_metric_300_drawn_ms: many,
    server_peak_rss_mb: Math.round(Number(peak) / 1024),
  }
  await page.context().close()
  server.kill('SIGTERM')
  return result
}

/** The program as a user starts it. */
async function serve(): Promise<{ server: ChildProcess; url: string }> {
  const server = spawn(process.execPath, [main, 'dashboard', root, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve) =>
    server.stdout.once('data', (data) => resolve(String(data).trim())),
  )
  return { server, url }
}

/** Waits until the large chart shows the metric of so many runs, and the browser has painted it. */
async function drawn(page: Page, metric: string, runs: number, timeout = 30_000): Promise<void> {
  await page.waitForSelector(`.plot-box[data-drawn="${metric} ${runs}"]`, { timeout })
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
}

async function switches(page: Page, runs: number): Promise<number[]> {
  const times: number[] = []
  for (const metric of METRICS) {
    const start = performance.now()
    await page.getByLabel('metric').selectOption(metric)
    await drawn(page, metric, runs)
    times.push(Math.round(performance.now() - start))
  }
  return times
}
