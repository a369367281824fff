/** @file The report in one file, by the command and from the page. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { exportReport } from '../../src/dashboard/server/report.ts'
import { tempFolder } from '../helpers/temp.ts'
import { drawn, during, inked, useStage } from './stage.ts'

const stage = useStage()
const { open, root } = stage

test('a report is one file that works without a server and asks for nothing', async () => {
  const file = join(tempFolder(), 'report.html')
  const { runs, bytes } = await exportReport(root, file, '')
  expect([runs, bytes < 10e6]).toEqual([18, true])
  expect(readFileSync(file, 'utf8')).not.toMatch(/<script>window\.hacked|src="http|href="http/)
  const page = await open({ url: pathToFileURL(file).href, hash: 'filter=lora' })
  expect(await page.locator('.top').textContent()).toContain('report of')
  await drawn(page, 'loss 10')
  expect(await inked(page)).toBeGreaterThan(10_000)
  await page.getByRole('tab', { name: 'Compare' }).click()
  await page.waitForSelector('.evaluation')
  expect(await page.locator('.verdict').allTextContents()).toContain('worse')
  await page.getByRole('tab', { name: 'Answers' }).click()
  await page.waitForSelector('.answer ins')
  await page.getByRole('tab', { name: 'Sweep' }).click()
  await page.waitForSelector('.trials')
  expect(await page.locator('.history .trial').count()).toBeGreaterThan(10)
  for (const tab of ['Parameters', 'System', 'Run']) await page.getByRole('tab', { name: tab }).click()
  await page.waitForSelector('.run .code')
  expect(await page.locator('form.notes').count()).toBe(0)
  expect(await page.evaluate('window.hacked')).toBeUndefined()
  expect(stage.asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([])
})

test('the page itself gives a report of what is drawn', async () => {
  const page = await open({ hash: 'filter=lora' })
  const download = await during(page.waitForEvent('download'), () =>
    page.getByRole('link', { name: 'Export' }).click(),
  )
  const text = readFileSync(await download.path(), 'utf8')
  expect(text).toContain('medtune-report')
  expect(download.suggestedFilename()).toBe('report.html')
})
