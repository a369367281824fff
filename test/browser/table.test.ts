/** @file The table of runs: sorted, filtered, grouped, pinned, by mouse and by keyboard. */
import { expect, test } from 'vitest'
import { hash, names, useStage } from './stage.ts'

const { open } = useStage()

test('shows which runs there are, newest first, with what is wrong with the odd ones', async () => {
  const page = await open()
  expect(await page.locator('.count').textContent()).toBe('18 runs')
  const status = (name: string): Promise<string | null> =>
    page.locator('.runs tbody tr', { hasText: name }).first().locator('.status').textContent()
  expect(await status('crashed')).toContain('crashed')
  expect(await status('nan')).toContain('failed')
  expect(await status('newer')).toContain('dreaming')
  expect(await status('live')).toContain('30 %')
  for (const name of ['torn', 'newer']) {
    const line = page.locator('.runs tbody tr', { has: page.locator(`.open bdi:text-is("${name}")`) })
    expect(await line.locator('.warn').getAttribute('aria-label')).toMatch(
      name === 'torn' ? /last line is torn/ : /newer than this one/,
    )
  }
  expect((await page.locator('.summary').textContent())!).toContain('1 running')
})

test('sorts by a click, the best first', async () => {
  const page = await open()
  await page.locator('.runs thead').getByRole('button', { name: 'exam · accuracy' }).click()
  const cells = await page.locator('.runs tbody tr td:nth-child(6)').allTextContents()
  const shares = cells.map((text) => Number.parseFloat(text)).filter((value) => !Number.isNaN(value))
  expect(shares).toEqual([...shares].sort((a, b) => b - a))
  expect(shares.length).toBeGreaterThan(10)
  expect(await page.locator('th[aria-sort="descending"]').count()).toBe(1)
  await page.locator('.runs thead').getByRole('button', { name: 'loss' }).click()
  expect(hash(page)).toContain('sort=loss')
})

test('filters by words, regular expressions and comparisons, and says what it cannot read', async () => {
  const page = await open()
  const filter = page.getByRole('searchbox', { name: 'Filter runs' })
  await filter.fill('rank >= 8 and status = done')
  expect(await page.locator('.count').textContent()).toBe('7 of 18 runs')
  await filter.fill('/^lora r(2|4) /')
  expect((await names(page)).every((name) => /^lora r[24] /.test(name))).toBe(true)
  await filter.fill('rank >= ')
  expect(await page.locator('#mistake').textContent()).toContain('expected a value')
  expect(await filter.getAttribute('aria-invalid')).toBe('true')
  await filter.fill('nothing-is-called-so')
  expect(await page.locator('.runs .empty').textContent()).toBe('No run matches.')
})

test('groups with mean and spread, pins on top, tags, and picks columns', async () => {
  const page = await open({ hash: 'filter=lora' })
  await page.getByLabel('Group').selectOption('optimizer.lr')
  const heads = page.locator('.runs tr.group')
  expect(await heads.count()).toBe(3)
  expect(await heads.first().textContent()).toMatch(/4 runs.*±/)
  await page.getByLabel('Group').selectOption('')
  const third = page.locator('.runs tbody tr').nth(2)
  const name = await third.locator('.open bdi').textContent()
  await third.hover()
  await third.getByRole('button', { name: /^pin/ }).click()
  expect((await names(page))[0]).toBe(name)
  await page.locator('summary', { hasText: 'Columns' }).click()
  await page.getByLabel('find a column').fill('hardware.cpu')
  await page.getByLabel('hardware.cpu', { exact: true }).check()
  expect(await page.locator('.runs thead th').last().getAttribute('title')).toBe('hardware.cpu')
})

test('is used by the keyboard', async () => {
  const page = await open({ hash: 'filter=lora&runs=' })
  await page.locator('.runs tbody tr').first().focus()
  await page.keyboard.press('ArrowDown')
  await page.waitForSelector('.runs tbody tr:nth-child(2):focus')
  await page.keyboard.press('ArrowDown')
  await page.waitForSelector('.runs tbody tr:nth-child(3):focus')
  await page.keyboard.press(' ')
  await page.waitForSelector('.runs tbody tr:nth-child(3)[aria-selected=true]')
  await page.keyboard.press('p')
  await page.waitForSelector('tr.pinned')
  expect(await page.locator('tr.pinned').count()).toBe(1)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.view .run h2')
})
