/** @file The top of the page: whose runs these are, how many go on, and whether the page hears of changes. */
import { visibleLine } from '../../util/visible.ts'
import { when } from './parts/format.ts'
import { Line } from './parts/text.tsx'
import { online, overview, rows, selected, source } from './state/runs.ts'
import { nextTheme, theme } from './state/theme.ts'
import './header.css'

export function Header() {
  const { title, version, exported } = overview.value!
  const count = (status: string): number => rows.value.filter((row) => row.status === status).length
  const [running, failed] = [count('running'), count('failed') + count('crashed')]
  const report = source.value.reportOf(selected.value)
  return (
    <header class="top">
      <h1>
        medtune{' '}
        <small>
          <Line text={title} />
        </small>
      </h1>
      <p class="summary" role="status">
        <span>{rows.value.length} runs</span>
        {running > 0 && <span class="running">● {running} running</span>}
        <span class="done">✓ {count('done')} done</span>
        {failed > 0 && <span class="failed">✕ {failed} failed</span>}
      </p>
      <span class="space" />
      {exported ? (
        <span class="note">report of {when(exported.time)}</span>
      ) : (
        <span class={`live ${online.value ? 'up' : 'down'}`} role="status">
          {online.value ? 'live' : 'not connected'}
        </span>
      )}
      {report !== undefined && (
        <a class="button" href={report} download="report.html">
          Export
        </a>
      )}
      <button type="button" onClick={nextTheme} title="light, dark, or as the system has it">
        Theme: {theme.value}
      </button>
      <small class="version">{visibleLine(version)}</small>
    </header>
  )
}
