/** @file What a chart shows while it asks for one thing after another: always the answer to what was asked last. */
import { h, render } from 'preact'
import { expect, test, vi } from 'vitest'
import type { Loaded } from '../../src/dashboard/app/chart/use-series.ts'
import type { SeriesQuery, SeriesReply } from '../../src/dashboard/shared/wire.ts'

// All of a browser that the hook needs.
vi.stubGlobal('location', { hash: '' })
vi.stubGlobal('window', { addEventListener: () => undefined })
vi.stubGlobal('addEventListener', () => undefined)
const { useSeries } = await import('../../src/dashboard/app/chart/use-series.ts')
const { source } = await import('../../src/dashboard/app/state/runs.ts')

const query = (metric: string): SeriesQuery => ({
  keys: [],
  metric,
  x: 'step',
  from: Number.NaN,
  to: Number.NaN,
  buckets: 10,
  log: false,
  smoothing: 0,
})

test('an answer that comes after its question was given up is not shown, though nobody could stop it', async () => {
  const answers = new Map<string, () => void>()
  // As the exported file does, it takes no notice of the signal.
  const series = ({ metric }: SeriesQuery) =>
    new Promise<SeriesReply>((resolve) => {
      const window = { from: 0, to: 1, buckets: 10 }
      answers.set(metric, () => resolve({ window, series: [] }))
    })
  source.value = { ...source.value, series }
  let shown: Loaded | undefined
  const Chart = ({ metric }: { readonly metric: string }) => {
    shown = useSeries(query(metric), true)
    return null
  }
  const page = { nodeType: 1, childNodes: [], firstChild: null } as unknown as Element
  const look = async (metric: string): Promise<void> => {
    render(h(Chart, { metric }), page)
    await Promise.resolve()
  }
  const answer = async (metric: string): Promise<void> => {
    answers.get(metric)!()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await look('loss')
  await answer('loss')
  await look('lr')
  expect(shown).toMatchObject({ metric: 'loss', waiting: true })
  await look('loss')
  await answer('lr')
  expect(shown).toMatchObject({ metric: 'loss', waiting: false })
})
