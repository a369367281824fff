/** @file For everyone: WCAG AA by axe, narrow windows, dark and light. */
import axe from 'axe-core'
import { expect, test } from 'vitest'
import { drawn, inked, TABS, useStage } from './stage.ts'

const { open } = useStage()

test.each([
  [1280, false],
  [1280, true],
  [390, false],
  [390, true],
])('axe finds nothing serious at %i px, dark: %s', async (width, dark) => {
  const page = await open({ width, dark, hash: 'filter=lora' })
  await page.evaluate(axe.source)
  for (const tab of TABS) {
    await page.evaluate(`location.hash = 'filter=lora&tab=${tab}'`)
    await page.waitForTimeout(500)
    const found = (await page.evaluate(
      `axe.run(document, { resultTypes: ['violations'] })`,
    )) as axe.AxeResults
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    const told = serious.map(
      ({ id, nodes }) =>
        `${tab} ${id}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 160))
          .join(' | ')}`,
    )
    expect(told).toEqual([])
  }
})

test('at 390 px nothing sticks out at the side', async () => {
  const page = await open({ width: 390, hash: 'filter=lora' })
  for (const tab of TABS) {
    await page.evaluate(`location.hash = 'filter=lora&tab=${tab}'`)
    await page.waitForTimeout(400)
    expect([tab, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([tab, 390])
  }
})

test('dark and light by the button, and charts with them', async () => {
  const page = await open({ hash: 'filter=lora' })
  await drawn(page, 'loss 10')
  const color = (): Promise<string> => page.evaluate(`getComputedStyle(document.body).backgroundColor`)
  const light = await color()
  await page.getByRole('button', { name: /^Theme/ }).click()
  await page.getByRole('button', { name: /^Theme/ }).click()
  expect(await page.getByRole('button', { name: /^Theme/ }).textContent()).toBe('Theme: dark')
  expect(await color()).not.toBe(light)
  expect(await inked(page)).toBeGreaterThan(10_000)
})
