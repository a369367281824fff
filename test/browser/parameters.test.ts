/** @file Parameters against results: parallel coordinates with brushes, scatter, trade-off and importance. */
import { expect, test } from 'vitest'
import { boxOf, hash, names, useStage } from './stage.ts'

const { open } = useStage()

test('a range drawn on an axis filters the table, and is taken back', async () => {
  const page = await open({ hash: 'filter=lora&tab=parameters' })
  const box = await boxOf(page.locator('[data-axis="adapter.rank"]'))
  await page.mouse.move(box.x + box.width / 2, box.y + 4)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2, box.y + 0.55 * box.height, { steps: 6 })
  await page.mouse.up()
  const found = await names(page)
  expect(found.length).toBeGreaterThan(0)
  expect(found.every((name) => /r(8|16) /.test(name))).toBe(true)
  expect(hash(page)).toContain('brush=')
  expect(await page.locator('.run-path.out').count()).toBe(12 - found.length)
  await page.locator('.brushes button').click()
  expect((await names(page)).length).toBe(12)
})

test('brushes are moved by the keyboard', async () => {
  const page = await open({ hash: 'filter=lora&tab=parameters' })
  await page.getByRole('button', { name: 'choose a range of adapter.rank' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('slider', { name: 'least adapter.rank' }).focus()
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowUp')
  expect((await names(page)).every((name) => !name.includes('r2 '))).toBe(true)
  await page.keyboard.press('Escape')
  expect((await names(page)).length).toBe(12)
})

test('scatter, the front of two figures, and what mattered', async () => {
  const page = await open({ hash: 'filter=lora&tab=parameters' })
  await page.waitForSelector('.scatter circle')
  expect(await page.locator('.scatter circle').count()).toBe(12)
  await page.getByLabel('x of the chart').selectOption('tokens_per_second')
  await page.getByLabel('y of the chart').selectOption('eval.exam.accuracy')
  expect(await page.getByRole('heading', { name: 'Trade-off' }).count()).toBe(1)
  expect(await page.locator('.bars li').first().textContent()).toMatch(/adapter\.rank.*%/)
})
