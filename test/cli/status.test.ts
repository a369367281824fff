import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
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
