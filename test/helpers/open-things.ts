/** @file What this process holds open: files, what keeps its loop alive, and listeners. */
import { readdirSync, readlinkSync } from 'node:fs'

export interface OpenThings {
  /** What each descriptor leads to, without numbers; none where the system does not tell. */
  readonly files: readonly string[]
  readonly resources: readonly string[]
  readonly listeners: readonly (readonly [string, number])[]
}

/** Waits a moment first: threads that were ended are gone with the next turns of the loop. */
export async function openThings(): Promise<OpenThings> {
  await new Promise((resolve) => setTimeout(resolve, 200))
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)] as const)
  return { files: files(), resources: process.getActiveResourcesInfo().sort(), listeners }
}

function files(): string[] {
  if (process.platform !== 'linux') return []
  const paths = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')
    } catch {
      // The folder's own descriptor, closed since.
      return []
    }
  })
  return paths.sort()
}
