/** @file Asks for curves whenever what is asked for changes, and again as long as a run writes more of them. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { SeriesQuery, SeriesReply } from '../../shared/wire.ts'
import { rowOf, source } from '../state/runs.ts'

/** Between two answers about runs that go on, ms. */
const PAUSE = 400

export interface Loaded {
  readonly reply: SeriesReply | undefined
  /** What the reply is of. */
  readonly metric: string | undefined
  readonly error: string
  /** Whether the answer to what is asked for now is still to come. */
  readonly waiting: boolean
}

const NOTHING = { reply: undefined, metric: undefined, error: '', asked: '' }

/** @param active whether the chart is in sight; one that is not asks for nothing */
export function useSeries(query: SeriesQuery, active: boolean): Loaded {
  const [loaded, setLoaded] = useState<Omit<Loaded, 'waiting'> & { readonly asked: string }>(NOTHING)
  const ended = useRef(0)
  const asked = JSON.stringify([query, String(query.from), String(query.to)])
  const written = query.keys.map((key) => rowOf(key)?.step ?? 0).join()
  const before = useRef('')
  const answered = useRef('')

  // Before the page is painted: to wait for that first would cost a frame.
  useLayoutEffect(() => {
    // One that comes into sight again may have all there is.
    const now = `${asked} ${written}`
    if (!active || answered.current === now) return
    const control = new AbortController()
    const again = before.current === asked
    const wait = again ? Math.max(0, ended.current + PAUSE - performance.now()) : 0
    before.current = asked
    const ask = async (): Promise<void> => {
      try {
        const reply = await source.value.series(query, control.signal)
        // The data of an exported file cannot be stopped: its answer may come when something else is asked for.
        if (control.signal.aborted) return
        ended.current = performance.now()
        answered.current = now
        setLoaded({ reply, metric: query.metric, error: '', asked })
      } catch (error) {
        if (control.signal.aborted) return
        setLoaded((last) => ({ ...last, error: (error as Error).message, asked }))
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

  return { ...loaded, waiting: loaded.asked !== asked }
}
