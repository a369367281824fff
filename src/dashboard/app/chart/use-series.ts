/** @file Asks for curves whenever what is asked for changes, and again as long as a run writes more of them. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { SeriesQuery, SeriesReply } from '../../shared/wire.ts'
import { rowOf, source } from '../state/runs.ts'

/** Between two answers about runs that go on, ms. */
const PAUSE = 400

export interface Loaded {
  readonly reply: SeriesReply | undefined
  /** What the reply is of. */
  readonly metric: string | undefined
  readonly error: string
}

/** @param active whether the chart is in sight; one that is not asks for nothing */
export function useSeries(query: SeriesQuery, active: boolean): Loaded {
  const [loaded, setLoaded] = useState<Loaded>({ reply: undefined, metric: undefined, error: '' })
  const ended = useRef(0)
  const asked = JSON.stringify([query, String(query.from), String(query.to)])
  const written = query.keys.map((key) => rowOf(key)?.step ?? 0).join()
  const before = useRef('')

  useEffect(() => {
    if (!active) return
    const control = new AbortController()
    const again = before.current === asked
    const wait = again ? Math.max(0, ended.current + PAUSE - performance.now()) : 0
    before.current = asked
    const ask = async (): Promise<void> => {
      try {
        const reply = await source.value.series(query, control.signal)
        ended.current = performance.now()
        setLoaded({ reply, metric: query.metric, error: '' })
      } catch (error) {
        if (control.signal.aborted) return
        setLoaded((last) => ({ ...last, error: (error as Error).message }))
      }
    }
    if (wait === 0) {
      void ask()
      return () => control.abort()
    }
    const timer = setTimeout(ask, wait)
    return () => {
      clearTimeout(timer)
      control.abort()
    }
  }, [asked, active, written])

  return loaded
}
