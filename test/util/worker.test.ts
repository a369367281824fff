import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { startWorker } from '../../src/util/worker.ts'

const url = new URL('./echo-worker.ts', import.meta.url)

describe('startWorker', () => {
  it('runs TypeScript sources that import our subpaths', async () => {
    const worker = startWorker(url, 7)
    const [answer] = await once(worker, 'message')
    expect(answer).toBe(49)
    await worker.terminate()
  })

  it('reports an error thrown in the worker', async () => {
    const worker = startWorker(url, 11)
    const [error] = await once(worker, 'error')
    expect((error as Error).message).toContain('too large')
  })
})
