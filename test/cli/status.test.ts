import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openStatus } from '../../src/cli/status.ts'

// On CI the status is plain lines whatever the stream; here the block is what is looked at.
const ci = process.env.CI
beforeEach(() => {
  delete process.env.CI
})
afterEach(() => {
  if (ci !== undefined) process.env.CI = ci
})

const step = {
  type: 'step',
  time: '',
  step: 1,
  epoch: 0,
  loss: 1.5,
  grad_norm: 0.25,
  lr: 1e-3,
  tokens: 10,
  label_tokens: 8,
  seconds: 0.5,
} as const

function shown(columns: number | undefined): string[] {
  const written: string[] = []
  const stream = {
    isTTY: true,
    ...(columns === undefined ? {} : { columns }),
    write: (text: string) => written.push(text),
  }
  const status = openStatus('a-name', stream)
  status.onProgress({ phase: 'train', done: 1, total: 4 })
  status.onEvent(step)
  status.close()
  return written.at(-1)!.trimEnd().split('\n')
}

test.each([0, 1, 40, 200, undefined])(
  'the block fits a terminal of %s columns, and one that does not know its width',
  (columns) => {
    const lines = shown(columns)
    const plain = lines.map((line) => stripVTControlCharacters(line))
    expect(plain.join('\n')).toContain('a-name')
    expect(plain.join('\n')).toContain('1.5000')
    for (const line of plain) expect(line.length).toBeLessThanOrEqual(Math.max(20, (columns || 80) - 1))
  },
)

test('an evaluation says how far it is and how long it will take, on a terminal and in plain lines', () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  try {
    for (const isTTY of [true, false]) {
      const written: string[] = []
      const status = openStatus('a-name', {
        isTTY,
        columns: 100,
        write: (text: string) => written.push(text),
      })
      const phase = 'evaluate base: medmcqa'
      status.onProgress({ phase, done: 0, total: 1 })
      for (let done = 10; done <= 40; done += 10) {
        vi.advanceTimersByTime(10_000)
        status.onProgress({ phase, done, total: 400 })
      }
      status.close()
      // A second each: 360 are left.
      expect(stripVTControlCharacters(written.join('\n'))).toMatch(
        /evaluate base: medmcqa:? 40\/400 .*6:00 left/,
      )
    }
  } finally {
    vi.useRealTimers()
  }
})
