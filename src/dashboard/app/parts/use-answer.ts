/** @file Asks a source for something whenever what is asked for changes; the last answer stays until the next. */
import { useEffect, useState } from 'preact/hooks'

export interface Answer<T> {
  readonly value: T | undefined
  readonly error: string
  readonly waiting: boolean
}

/** @param asked what the answer depends on, as text; nothing is asked for an empty one */
export function useAnswer<T>(asked: string, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ value: undefined, error: '', waiting: true })
  useEffect(() => {
    if (asked === '') {
      setAnswer({ value: undefined, error: '', waiting: false })
      return
    }
    const control = new AbortController()
    setAnswer((last) => ({ ...last, waiting: true }))
    ask(control.signal).then(
      (value) => !control.signal.aborted && setAnswer({ value, error: '', waiting: false }),
      (error: Error) =>
        !control.signal.aborted && setAnswer((last) => ({ ...last, error: error.message, waiting: false })),
    )
    return () => control.abort()
  }, [asked])
  return answer
}
