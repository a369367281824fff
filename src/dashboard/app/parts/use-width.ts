/** @file How wide an element is, as long as it is shown; 0 before it is known. */
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export function useWidth<T extends Element>(): readonly [RefObject<T | null>, number] {
  const box = useRef<T>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)))
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  return [box, width]
}
