/** @file Runs side by side: settings that differ, evaluations with a verdict, answers, and hostile text in all of it. */
import { expect, test } from 'vitest'
import { HOSTILE } from './scene.ts'
import { holds, useStage } from './stage.ts'

const { open } = useStage()

test('shows only the settings that changed, and evaluations with intervals and a verdict', async () => {
  const page = await open({ hash: 'filter=lora&tab=compare&sort=name' })
  await page.waitForSelector('.compare section')
  const settings = page.locator('.compare section', { hasText: 'Settings that differ' })
  expect(await settings.locator('tbody th').allTextContents()).toEqual([
    'seed',
    'adapter.rank',
    'optimizer.lr',
  ])
  expect(await settings.locator('td.changed').count()).toBeGreaterThan(5)
  const exam = page.locator('.evaluation', { hasText: 'exam' }).first()
  expect(await exam.locator('.interval circle').count()).toBe(20)
  expect(await exam.locator('.verdict').allTextContents()).toContain('better')
  expect(await exam.textContent()).toMatch(/\[\d+\.\d, \d+\.\d\]/)
})

test('answers side by side, with the words that differ and how many were won', async () => {
  const page = await open({ hash: 'filter=lora&tab=samples&evaluation=exam' })
  await page.waitForSelector('.sample')
  expect(await page.locator('.answer ins').first().textContent()).toMatch(/B12|C|tested|observed/)
  expect(await page.locator('.answer del').count()).toBeGreaterThan(0)
  expect(await page.locator('.standing .outcomes').first().getAttribute('aria-label')).toMatch(
    /\d+ won, \d+ tied, \d+ lost/,
  )
  const before = await page.locator('.standing [role="status"]').textContent()
  await page.getByLabel('Items').selectOption('all')
  await holds(
    page,
    `document.querySelector('.standing [role="status"]').textContent !== ${JSON.stringify(before)}`,
  )
  await page.getByPlaceholder('find in questions and answers').fill('condition 17?')
  await holds(page, `document.querySelectorAll('.sample').length <= 1`)
})

test('hostile text is text: in names, reasons, answers, tags and notes', async () => {
  const page = await open({ hash: 'filter=script&tab=samples&show=all' })
  await page.waitForSelector('.sample')
  const text = (await page.locator('.answers').first().textContent())!
  expect(text).toContain('<script>window.hacked=1</script>')
  expect(text).toContain('␛[31mred')
  expect(text).toContain('⟨U+202E⟩evil')
  expect(text).toContain('{{7*7}} #{7*7}')
  // One answer is a megabyte: a piece of it, and the rest where it is asked for.
  const second = page.locator('.sample').nth(1).locator('.answers .block')
  expect((await second.textContent())!.length).toBeLessThan(3000)
  await second.getByRole('button', { name: /show all 1,000,000 characters/ }).click()
  await holds(
    page,
    `document.querySelectorAll('.sample')[1].querySelector('.answers .block').textContent.length === 1e6`,
  )
  await page.evaluate(`location.hash = 'filter=script&tab=run'`)
  await page.waitForSelector('.run .problems')
  await page.locator('form.notes').getByLabel('Tags').fill('<b>bold</b>')
  await page.locator('form.notes').getByLabel('Note').fill(HOSTILE)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.waitForSelector('.runs .tag')
  expect(await page.locator('.runs .tag').textContent()).toBe('<b>bold</b>')
  expect(await page.evaluate('window.hacked')).toBeUndefined()
  expect(await page.locator('.view b b, .view img, .runs img').count()).toBe(0)
})
