/** @file How a run stands: a sign, a word, and how far it is. */
import type { RunRow } from '../../../track/read/run-row.ts'
import { visibleLine } from '../../../util/visible.ts'
import './status.css'

const SIGNS: Readonly<Record<string, string>> = {
  done: '✓',
  failed: '✕',
  crashed: '✕',
  stopped: '■',
  running: '●',
  unreadable: '?',
}

export function Status({ row }: { readonly row: RunRow }) {
  const { status, step, steps, reason, problems } = row
  const title = [reason, ...problems]
    .filter(Boolean)
    .map((text) => visibleLine(text!))
    .join('\n')
  const known = Object.hasOwn(SIGNS, status)
  return (
    <span class={`status ${known ? status : 'other'}`} title={title || undefined}>
      <span aria-hidden="true">{SIGNS[status] ?? '◆'}</span> {visibleLine(status).slice(0, 20)}
      {status === 'running' && steps !== undefined && steps > 0 && (
        <span class="progress">
          <span style={{ width: `${Math.min(100, (100 * step) / steps)}%` }} />
          <b>{Math.floor((100 * step) / steps)} %</b>
        </span>
      )}
      {problems.length > 0 && (
        <span class="warn" role="img" aria-label={`${problems.length} problems: ${title}`}>
          !
        </span>
      )}
    </span>
  )
}
