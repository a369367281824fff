/** @file What each browser test stands on: a scene of runs, its server, a browser, and words for what a page shows. */
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'

import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type Dashboard, startDashboard } from '../../src/dashboard/server/server.ts'
import { tempFolder } from '../helpers/temp.ts'
import { openBrowser } from './browser.ts'
import { makeScene, makeSweeps } from './scene.ts'

export const TABS = ['curves', 'parameters', 'sweep', 'compare', 'samples', 'system', 'run'] as const

export interface Look {
  /** The view, as it stands in the address. */
  readonly hash?: string
  readonly width?: number
  readonly dark?: boolean
  readonly url?: string
}

export interface Stage {
  /** Folder of the runs. */
  readonly root: string
  /** Folder of the sweep that goes on. */
  readonly sweep: string
  readonly server: Dashboard
  /** Where the pages of the test at hand have asked. */
  readonly asked: readonly string[]
  /** A page that shows runs. What goes wrong in it without a test looking for it fails the test. */
  open(look?: Look): Promise<Page>
  /** A browser that has never been here. */
  stranger(): Promise<Page>
}

/** Sets the stage for the tests of a file, and clears it. Called once, at the top of the file. */
export function useStage(): Stage {
  const root = tempFolder()
  makeScene(root)
  const sweep = makeSweeps(root)
  let server: Dashboard
  let browser: Browser
  let context: BrowserContext | undefined
  let complaints: string[] = []
  let asked: string[] = []

  beforeAll(async () => {
    server = await startDashboard({ root, port: 0, onError: (error) => complaints.push(String(error)) })
    browser = await openBrowser()
  })

  afterEach(async () => {
    await context?.close()
    const own = new RegExp(`^(http://127\\.0\\.0\\.1:${server.port}/|data:|file:|blob:)`)
    const seen = { complaints, elsewhere: asked.filter((url) => !own.test(url)) }
    complaints = []
    asked = []
    expect(seen).toEqual({ complaints: [], elsewhere: [] })
  })

  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  return {
    root,
    sweep,
    get server() {
      return server
    },
    get asked() {
      return asked
    },
    async open({ hash = '', width = 1280, dark = false, url = server.url } = {}) {
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
      await page.goto(hash === '' ? url : `${url}#${hash}`)
      await page.waitForSelector('.runs tbody tr')
      return page
    },
    async stranger() {
      context = await browser.newContext()
      return context.newPage()
    },
  }
}

/** Waits for an expression; the page's policy forbids it to look by itself. */
export async function holds(page: Page, expression: string): Promise<void> {
  for (let wait = 0; wait < 200; wait++) {
    if (await page.evaluate(expression)) return
    await page.waitForTimeout(50)
  }
  throw new Error(`never came true: ${expression}`)
}

/** What a wait that began before `act` gives. Where one of the two fails, the other is not left behind. */
export async function during<T>(wait: Promise<T>, act: () => Promise<unknown>): Promise<T> {
  const [found] = await Promise.all([wait, act()])
  return found
}

/** Names in the table, from above. */
export const names = (page: Page): Promise<string[]> =>
  page.locator('.runs tbody .open bdi').allTextContents()

/** The view, as the address has it. */
export const hash = (page: Page): string => decodeURIComponent(new URL(page.url()).hash)

/** Waits until the large chart shows a metric of a number of runs: `loss 10`. */
export async function drawn(page: Page, what: string): Promise<void> {
  await page.waitForSelector(`.plot-box[data-drawn="${what}"] .u-over`)
}

/** Where an element is in the window, px. */
export async function boxOf(
  element: Locator,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await element.boundingBox()
  if (!box) throw new Error(`not in sight: ${element}`)
  return box
}

/** Pixels of the large chart that are not empty. */
export const inked = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('.large canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let count = 0
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++
    return count
  })()`)
