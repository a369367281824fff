/** @file The end of what a process printed, to say why it failed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const BYTES = 4000

/** The last lines of a file; empty where there is none. */
export function logTail(file: string): string {
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch {
    return ''
  }
  try {
    const { size } = fstatSync(handle)
    const buffer = Buffer.alloc(Math.min(BYTES, size))
    readSync(handle, buffer, 0, buffer.length, size - buffer.length)
    const text = buffer.toString('utf8')
    return size > BYTES ? text.slice(text.indexOf('\n') + 1) : text
  } finally {
    closeSync(handle)
  }
}
