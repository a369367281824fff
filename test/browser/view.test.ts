/** @file The view as a whole: it stands in the address, and has a part for the machines. */
import { expect, test } from 'vitest'
import { holds, names, useStage } from './stage.ts'

const { open } = useStage()

test('the whole view stands in the address', async () => {
  const page = await open({ hash: 'filter=lora&tab=compare&sort=-loss&smoothing=0.5' })
  await page.waitForSelector('.compare section')
  const before = await names(page)
  await page.reload()
  await page.waitForSelector('.compare section')
  expect(await names(page)).toEqual(before)
  expect(await page.getByRole('searchbox', { name: 'Filter runs' }).inputValue()).toBe('lora')
  expect(await page.getByRole('tab', { selected: true }).textContent()).toBe('Compare')
  // An address of rubbish shows the page all the same.
  await page.evaluate(
    `location.hash = 'tab=nowhere&x=sideways&smoothing=7&from=abc&brush=1..x:loss&runs=a,b&axes=,,'`,
  )
  await holds(page, `document.querySelector('[role=tab][aria-selected=true]').textContent === 'Curves'`)
})

test('system figures and the machines', async () => {
  const page = await open({ hash: 'filter=lora&tab=system' })
  await page.waitForSelector('.system .u-over')
  expect(await page.locator('.system').textContent()).toMatch(/Memory.*CPU.*a cpu/is)
})
