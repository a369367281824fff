/**
 * @file Takes the pictures of docs/dashboard.md from real runs.
 *   npm run build:page && npm run screenshots -- <folder of run folders> [picture ...]
 */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startDashboard } from '../src/dashboard/server/server.ts'
import { openBrowser } from '../test/browser/browser.ts'

const root = process.argv[2]
if (root === undefined) throw new Error('name the folder of run folders')
const out = fileURLToPath(new URL('../docs/images/', import.meta.url))
mkdirSync(out, { recursive: true })

const PICTURES = [
  { name: 'curves', hash: 'smoothing=0.5', width: 1280, height: 760, dark: false },
  { name: 'parameters', hash: 'tab=parameters', width: 1280, height: 760, dark: false },
  { name: 'sweep', hash: 'tab=sweep', width: 1280, height: 1000, dark: false },
  { name: 'compare', hash: 'tab=compare', width: 1280, height: 760, dark: false },
  { name: 'answers-dark', hash: 'tab=samples', width: 1280, height: 760, dark: true },
  { name: 'narrow', hash: 'smoothing=0.5', width: 390, height: 844, dark: true },
] as const

const server = await startDashboard({ root, port: 0 })
const browser = await openBrowser()
const chosen = process.argv.slice(3)
for (const { name, hash, width, height, dark } of PICTURES) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  })
  const page = await context.newPage()
  await page.goto(server.url)
  await page.waitForSelector('.runs tbody tr')
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await page.waitForTimeout(3000)
  await page.screenshot({ path: `${out}${name}.png` })
  await context.close()
}
await browser.close()
await server.close()
