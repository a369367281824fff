/** @file The page in a real Chromium, clicked through as a person would. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { exportReport } from '../../src/dashboard/server/report.ts'
import { type Dashboard, startDashboard } from '../../src/dashboard/server/server.ts'
import { stepEvent } from '../helpers/run-folders.ts'
import { appendEvents, trialEvents } from '../helpers/sweep-folders.ts'
import { tempFolder } from '../helpers/temp.ts'
import { openBrowser } from './browser.ts'
import { HOSTILE, makeScene, makeSweeps, SWEEP } from './scene.ts'

const TABS = ['curves', 'parameters', 'sweep', 'compare', 'samples', 'system', 'run'] as const

let root: string
/** Folder of the sweep that goes on. */
let sweep: string
let server: Dashboard
let browser: Browser
let context: BrowserContext | undefined
/** What went wrong in a page without a test looking for it, and where it asked. */
let complaints: string[] = []
let asked: string[] = []

beforeAll(async () => {
  root = tempFolder()
  makeScene(root)
  sweep = makeSweeps(root)
  server = await startDashboard({ root, port: 0, onError: (error) => complaints.push(String(error)) })
  browser = await openBrowser()
})

afterEach(async () => {
  await context?.close()
  const found = complaints
  complaints = []
  expect(found).toEqual([])
  const own = new RegExp(`^(http://127\\.0\\.0\\.1:${server.port}/|data:|file:|blob:)`)
  const urls = asked
  asked = []
  expect(urls.filter((url) => !own.test(url))).toEqual([])
})

afterAll(async () => {
  await browser.close()
  await server.close()
})

interface Look {
  readonly hash?: string
  readonly width?: number
  readonly dark?: boolean
  readonly url?: string
}

async function open({ hash = '', width = 1280, dark = false, url = server.url }: Look = {}): Promise<Page> {
  context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: dark ? 'dark' : 'light',
    acceptDownloads: true,
  })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`))
  page.on('request', (request) => asked.push(request.url()))
  await page.goto(url)
  await page.waitForSelector('.runs tbody tr')
  if (hash !== '') await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  return page
}

/** Waits for an expression; the page's policy forbids it to look by itself. */
async function holds(page: Page, expression: string): Promise<void> {
  for (let wait = 0; wait < 200; wait++) {
    if (await page.evaluate(expression)) return
    await page.waitForTimeout(50)
  }
  throw new Error(`never came true: ${expression}`)
}

/** Names in the table, from above. */
const names = (page: Page): Promise<string[]> => page.locator('.runs tbody .open bdi').allTextContents()
const chart = (page: Page): Locator => page.locator('.plot-box')
const drawn = async (page: Page, what: string): Promise<void> => {
  await page.waitForSelector(`.plot-box[data-drawn="${what}"]`)
}
const hash = (page: Page): string => decodeURIComponent(new URL(page.url()).hash)
/** Pixels of the large chart that are not empty. */
const inked = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('.large canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let count = 0
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++
    return count
  })()`)

describe('the table', () => {
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
})

describe('the curves', () => {
  test('overlay the drawn runs; smoothing, axes and logarithms change them', async () => {
    const page = await open({ hash: 'filter=lora' })
    await drawn(page, 'loss 10')
    expect(await inked(page)).toBeGreaterThan(10_000)
    const request = page.waitForRequest((one) => one.url().includes('smoothing=0.9'))
    await page.locator('.slider input').fill('0.9')
    await request
    for (const x of ['tokens', 'time', 'epoch']) {
      const next = page.waitForResponse((one) => one.url().includes(`x=${x}`) && one.ok())
      await page.getByLabel('x axis').selectOption(x)
      await next
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
    await page.waitForSelector('.large .u-over')
    const box = (await page.locator('.large .u-over').boundingBox())!
    const finer = page.waitForResponse(
      (one) => /from=\d/.test(one.url()) && one.url().includes('metric=loss'),
    )
    await page.mouse.move(box.x + 0.25 * box.width, box.y + 100)
    await page.mouse.down()
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 120, { steps: 5 })
    await page.mouse.up()
    const params = new URL((await finer).url()).searchParams
    expect(Number(params.get('from'))).toBeGreaterThan(90)
    expect(Number(params.get('to'))).toBeLessThan(210)
    expect(hash(page)).toMatch(/from=/)
    await page.locator('.large .u-over').dblclick()
    expect(hash(page)).not.toMatch(/from=/)
    await chart(page).focus()
    await page.keyboard.press('+')
    expect(hash(page)).toMatch(/from=/)
    await page.getByRole('button', { name: 'Reset zoom' }).click()
    expect(hash(page)).not.toMatch(/from=/)
  })

  test('a hover tells the values, and values that are no numbers are gaps', async () => {
    const page = await open({ hash: 'filter=name ~ /^nan$/' })
    await drawn(page, 'loss 1')
    await page.waitForSelector('.large .u-over')
    const box = (await page.locator('.large .u-over').boundingBox())!
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
    const answer = page.waitForResponse(
      (one) => one.url().includes('/api/series') && one.url().includes('metric=loss'),
    )
    appendFileSync(file, `${stepEvent(31, 1.23)}\n`)
    await answer
    const bytes = Buffer.from(await (await answer).body())
    expect(Date.now() - start).toBeLessThan(1000)
    expect(new Float64Array(bytes.buffer.slice(bytes.byteOffset + bytes.length - 8))[0]).toBe(1.23)
    await holds(page, `document.querySelector('.runs .status b').textContent === '31 %'`)
  })
})

describe('parameters', () => {
  test('a range drawn on an axis filters the table, and is taken back', async () => {
    const page = await open({ hash: 'filter=lora&tab=parameters' })
    const axis = page.locator('[data-axis="adapter.rank"]')
    const box = (await axis.boundingBox())!
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
})

describe('a sweep', () => {
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
})

describe('comparing', () => {
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
})

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

test('a report is one file that works without a server and asks for nothing', async () => {
  const file = join(tempFolder(), 'report.html')
  const { runs, bytes } = await exportReport(root, file, '')
  expect([runs, bytes < 10e6]).toEqual([18, true])
  expect(readFileSync(file, 'utf8')).not.toMatch(/<script>window\.hacked|src="http|href="http/)
  const page = await open({ url: pathToFileURL(file).href })
  expect(await page.locator('.top').textContent()).toContain('report of')
  await page.evaluate(`location.hash = 'filter=lora'`)
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
  expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([])
})

test('the page itself gives a report of what is drawn', async () => {
  const page = await open({ hash: 'filter=lora' })
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export' }).click(),
  ])
  const text = readFileSync(await download.path(), 'utf8')
  expect(text).toContain('medtune-report')
  expect(download.suggestedFilename()).toBe('report.html')
})

describe('for everyone', () => {
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

  test('without a token there is a word of help and nothing else', async () => {
    context = await browser.newContext()
    const page = await context.newPage()
    const answer = await page.goto(`http://127.0.0.1:${server.port}/`)
    expect([answer!.status(), await page.textContent('body')]).toEqual([
      401,
      expect.stringContaining('medtune dashboard'),
    ])
  })
})

describe('the command', () => {
  const program = [
    '--import',
    import.meta.resolve('tsx'),
    '--conditions=medtune-source',
    'src/cli/main.ts',
    'dashboard',
  ]

  test('prints an address that works, says so where others can reach it, and ends by Ctrl-C', async () => {
    const child = spawn(process.execPath, [...program, root, '--port', '0', '--host', '0.0.0.0'])
    const [out, err] = [gather(child.stdout), gather(child.stderr)]
    await until(() => /^http:\S+token=\S+\n/.test(out()) && err().includes('warning'))
    expect(err()).toMatch(
      /0\.0\.0\.0 can be reached from other machines, and the connection is not encrypted/,
    )
    const { port, searchParams } = new URL(out().trim())
    // Bound to every address, it still answers to the one name that it printed.
    expect((await fetch(`http://0.0.0.0:${port}/api/runs`)).status).toBe(401)
    expect((await fetch(`http://127.0.0.1:${port}/api/runs`)).status).toBe(403)
    const headers = { Authorization: `Bearer ${searchParams.get('token')}` }
    expect((await fetch(`http://0.0.0.0:${port}/api/runs`, { headers })).status).toBe(200)
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
  })

  test('writes a report, and refuses what it cannot do', async () => {
    const file = join(tempFolder(), 'r.html')
    const runs = spawnSync(process.execPath, [...program, root, '--export', file, '--filter', 'lora'], {
      encoding: 'utf8',
    })
    expect([runs.status, runs.stderr]).toEqual([0, expect.stringMatching(/12 runs, \d\.\d MB/)])
    expect(readFileSync(file, 'utf8')).toContain('medtune-report')
    const refused = (words: readonly string[]): string => {
      const { status, stderr } = spawnSync(process.execPath, [...program, ...words], { encoding: 'utf8' })
      expect(status).toBe(2)
      return stderr
    }
    expect(refused(['nowhere'])).toContain('no such folder')
    expect(refused([root, '--port', 'x'])).toContain('expected a number')
    expect(refused([root, '--port', String(server.port)])).toContain('is taken')
    expect(refused([root, '--export', file, '--filter', 'name = nobody'])).toContain('no run matches')
  })
})

function gather(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (data) => {
    text += data
  })
  return () => text
}

async function until(holds: () => boolean): Promise<void> {
  for (let wait = 0; wait < 400 && !holds(); wait++) await new Promise((resolve) => setTimeout(resolve, 50))
}
