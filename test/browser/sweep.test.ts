/** @file The view of a sweep: how each trial stands, the best so far, live, and hostile text. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { appendEvents, trialEvents } from '../helpers/sweep-folders.ts'
import { SWEEP } from './scene.ts'
import { hash, useStage } from './stage.ts'

const { open, sweep } = useStage()
const row = (page: Page, trial: number): Locator => page.locator(`.trials tr[data-trial="${trial}"]`)

test('shows how each trial stands, the best so far, and what mattered', async () => {
  const page = await open()
  await page.getByRole('tab', { name: 'Sweep' }).click()
  await page.waitForSelector('.trials')
  expect(await page.locator('.sweep [role=status]').textContent()).toBe(
    '12 of 24 trials: 1 running, 9 done, 1 pruned, 1 failed',
  )
  expect(await page.locator('.winner').textContent()).toBe(
    'Best: 1.4 by trial 8, adapter.rank=8 optimizer.lr=0.00429497',
  )
  const order = await page.locator('.trials tbody th').allTextContents()
  expect([order.slice(0, 2), order.slice(-2)]).toEqual([
    ['11', '8'],
    ['9', '10'],
  ])
  expect(await row(page, 9).textContent()).toContain('at step 20; at rung 20 it is number 5')
  expect(await page.locator('.problems').textContent()).toBe('1 failed: the loss at step 12 is NaN')
  const marks = (kind: string): Promise<number> => page.locator(`.history .trial.${kind}`).count()
  expect(await Promise.all(['done', 'pruned', 'failed', 'running'].map(marks))).toEqual([9, 1, 1, 1])
  expect(await page.locator('.space tbody tr').allTextContents()).toEqual([
    expect.stringMatching(/^adapter\.rank2, 4, 88( at the end)?\d+ %$/),
    expect.stringMatching(/^optimizer\.lr0\.0001 to 0\.01, log0\.0042\d+ %$/),
  ])
  expect(await page.locator('.sweep').textContent()).toContain('The same in every trial: train.steps = 80')
})

test('its trials open their runs and filter the table', async () => {
  const page = await open({ hash: 'tab=sweep' })
  await row(page, 2).getByRole('button').click()
  await page.waitForSelector('.run .id')
  expect(await page.locator('.run .id').textContent()).toContain('lora-2')
  await page.getByRole('tab', { name: 'Sweep' }).click()
  await page.getByRole('button', { name: 'Only its runs' }).click()
  expect(await page.locator('.count').textContent()).toBe('3 of 18 runs')
  expect(hash(page)).toContain(`filter=sweep+=+${SWEEP}`)
})

test('a trial that ends is there within a second, and a dead coordinator is told of', async () => {
  const page = await open({ hash: 'tab=sweep' })
  await page.waitForSelector('.trials')
  await page.waitForTimeout(500)
  const start = Date.now()
  appendEvents(sweep, trialEvents(12, { rank: 8, lr: 4e-3, value: 0.5 }))
  await page.waitForSelector('.winner:has-text("trial 12")')
  expect(Date.now() - start).toBeLessThan(1000)
  const card = join(sweep, 'sweep.json')
  const alive = readFileSync(card, 'utf8')
  writeFileSync(card, JSON.stringify({ ...JSON.parse(alive), pid: 2 ** 22 + 1 }))
  await page.waitForSelector('.sweep .status.crashed')
  expect(await page.locator('.sweep').textContent()).toMatch(/Go on with medtune sweep resume \S+-ranks/)
  writeFileSync(card, alive)
  await page.waitForSelector('.sweep .status.running', { timeout: 10_000 })
})

test('hostile text of a journal is text', async () => {
  const page = await open({ hash: 'tab=sweep' })
  await page.waitForSelector('.trials')
  await page.getByLabel('Which sweep').selectOption({ index: 1 })
  await page.waitForSelector('.sweep h2:has-text("hacked")')
  await page.waitForSelector('.problems')
  const text = (await page.locator('.sweep').textContent())!
  expect(text.split('<script>window.hacked=1</script>').length).toBeGreaterThan(4)
  expect(text).toContain('⟨U+202E⟩evil')
  expect(await page.evaluate('window.hacked')).toBeUndefined()
  expect(await page.locator('.sweep img, .sweep script').count()).toBe(0)
})
