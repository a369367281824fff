/** @file Real Chromium for the browser tests: the system's own, found where Debian and others put it. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
]

/** Path of a browser; MEDTUNE_CHROMIUM names one. @throws where there is none */
export function findChromium(): string {
  const named = process.env.MEDTUNE_CHROMIUM
  const found = named ?? PLACES.find((path) => existsSync(path)) ?? which('chromium')
  if (found && existsSync(found)) return found
  throw new Error(
    'no Chromium found: install it (Debian: apt-get install chromium) or name it in MEDTUNE_CHROMIUM',
  )
}

function which(name: string): string | undefined {
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

/** Without a sandbox of its own where the tests run as root, as in a container. */
export function openBrowser(): Promise<Browser> {
  const root = process.getuid?.() === 0
  return chromium.launch({ executablePath: findChromium(), args: root ? ['--no-sandbox'] : [] })
}
