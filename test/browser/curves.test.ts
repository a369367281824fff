/** @file The curves: overlaid, smoothed, zoomed, hovered over, and live. */
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stepEvent } from '../helpers/run-folders.ts'
import { boxOf, drawn, during, hash, holds, inked, useStage } from './stage.ts'

const { open, root } = useStage()

test('overlay the drawn runs; smoothing, axes and logarithms change them', async () => {
  const page = await open({ hash: 'filter=lora' })
  await drawn(page, 'loss 10')
  expect(await inked(page)).toBeGreaterThan(10_000)
  await during(
    page.waitForRequest((one) => one.url().includes('smoothing=0.9')),
    () => page.locator('.slider input').fill('0.9'),
  )
  for (const x of ['tokens', 'time', 'epoch']) {
    await during(
      page.waitForResponse((one) => one.url().includes(`x=${x}`) && one.ok()),
      () => page.getByLabel('x axis').selectOption(x),
    )
  }
  await page.getByLabel('log x').check()
  await page.getByLabel('log y').check()
  await page.getByLabel('metric').selectOption('eval.exam.accuracy')
  await drawn(page, 'eval.exam.accuracy 10')
  expect(hash(page)).toMatch(/metric=eval\.exam\.accuracy&x=epoch&smoothing=0\.9&logX=true&logY=true/)
})

test('a drag zooms in and asks for the points of the part; a double click shows all again', async () => {
  const page = await open({ hash: 'filter=lora' })
  await drawn(page, 'loss 10')
  const box = await boxOf(page.locator('.large .u-over'))
  const finer = await during(
    page.waitForResponse((one) => /from=\d/.test(one.url()) && one.url().includes('metric=loss')),
    async () => {
      await page.mouse.move(box.x + 0.25 * box.width, box.y + 100)
      await page.mouse.down()
      await page.mouse.move(box.x + 0.5 * box.width, box.y + 120, { steps: 5 })
      await page.mouse.up()
    },
  )
  const params = new URL(finer.url()).searchParams
  expect(Number(params.get('from'))).toBeGreaterThan(90)
  expect(Number(params.get('to'))).toBeLessThan(210)
  expect(hash(page)).toMatch(/from=/)
  await page.locator('.large .u-over').dblclick()
  expect(hash(page)).not.toMatch(/from=/)
  await page.locator('.plot-box').focus()
  await page.keyboard.press('+')
  expect(hash(page)).toMatch(/from=/)
  await page.getByRole('button', { name: 'Reset zoom' }).click()
  expect(hash(page)).not.toMatch(/from=/)
})

test('a hover tells the values, and values that are no numbers are gaps', async () => {
  const page = await open({ hash: 'filter=name ~ /^nan$/' })
  await drawn(page, 'loss 1')
  const box = await boxOf(page.locator('.large .u-over'))
  await page.mouse.move(box.x + 0.1 * box.width, box.y + 90)
  expect(await page.locator('.tooltip').textContent()).toContain('nan')
  await page.mouse.move(box.x + 0.5 * box.width, box.y + 90)
  await holds(page, `document.querySelectorAll('.tooltip b').length === 0`)
})

test('a step that is written is in the table and in the chart within a second', async () => {
  const page = await open({ hash: 'filter=live' })
  await drawn(page, 'loss 1')
  const file = join(root, readdirSync(root).find((name) => name.endsWith('live'))!, 'events.jsonl')
  await page.waitForTimeout(700)
  const start = Date.now()
  const answer = await during(
    page.waitForResponse((one) => one.url().includes('/api/series') && one.url().includes('metric=loss')),
    async () => appendFileSync(file, `${stepEvent(31, 1.23)}\n`),
  )
  const bytes = Buffer.from(await answer.body())
  expect(Date.now() - start).toBeLessThan(1000)
  expect(new Float64Array(bytes.buffer.slice(bytes.byteOffset + bytes.length - 8))[0]).toBe(1.23)
  await holds(page, `document.querySelector('.runs .status b').textContent === '31 %'`)
})
