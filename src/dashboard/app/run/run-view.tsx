/** @file One run: how it stands, what was said of it, what happened, and its recipe. */
import { useEffect, useState } from 'preact/hooks'
import type { RunRow } from '../../../track/read/run-row.ts'
import { runKey } from '../../../track/run-key.ts'
import { visible } from '../../../util/visible.ts'
import { figure, label, nameOf, short, shown, when } from '../parts/format.ts'
import { Status } from '../parts/status.tsx'
import { Block, Line } from '../parts/text.tsx'
import { useAnswer } from '../parts/use-answer.ts'
import { listed, overview, rowOf, selected, source } from '../state/runs.ts'
import { view } from '../state/view.ts'
import '../parts/tag.css'
import '../parts/text.css'
import './run-view.css'

/** Events listed; the charts show them all. */
const EVENTS = 100

export function RunView() {
  const key = view.value.run || selected.value[0] || (listed.value[0] ? runKey(listed.value[0].id) : '')
  const row = rowOf(key)
  const { value, error } = useAnswer(row ? `${key} ${row.status} ${row.problems.length}` : '', () =>
    source.value.detail(key),
  )
  if (!row) return <p class="empty">Choose a run in the table.</p>
  return (
    <div class="run">
      <header>
        <h2>
          <Line text={nameOf(row)} />
        </h2>
        <Status row={row} />
        <p class="id">
          <Line text={row.id} />
        </p>
        <p>
          {row.started && `started ${when(row.started)}`}
          {row.figures.seconds !== undefined && `, took ${figure('seconds', row.figures.seconds)}`}
          {`, step ${short(row.step)}${row.steps === undefined ? '' : ` of ${short(row.steps)}`}`}
        </p>
      </header>
      <Problems row={row} error={value?.error ?? error} />
      <Notes row={row} runKey={key} />
      <Facts row={row} />
      {value && value.marks.length > 0 && (
        <section>
          <h3>What happened</h3>
          <ol class="events">
            {value.marks.slice(-EVENTS).map((mark, i) => (
              <li key={i} class={mark.type}>
                <time>{when(new Date(mark.time).toISOString())}</time>{' '}
                <b>{visible(mark.type).slice(0, 30)}</b> step {short(mark.step)} <Line text={mark.text} />
              </li>
            ))}
          </ol>
        </section>
      )}
      {value?.recipe && (
        <section>
          <h3>Recipe as written</h3>
          <div class="code">
            <Block text={value.recipe} />
          </div>
        </section>
      )}
    </div>
  )
}

function Problems({ row, error }: { readonly row: RunRow; readonly error: string }) {
  const texts = [row.reason, ...row.problems, error === row.reason ? '' : error].filter((text) => text)
  if (texts.length === 0) return null
  return (
    <ul class="problems" role="alert">
      {texts.map((text) => (
        <li key={text}>
          <Line text={text!} />
        </li>
      ))}
    </ul>
  )
}

function Notes({ row, runKey: key }: { readonly row: RunRow; readonly runKey: string }) {
  const [tags, setTags] = useState('')
  const [note, setNote] = useState('')
  const [answer, setAnswer] = useState('')
  useEffect(() => {
    setTags(row.tags.join(', '))
    setNote(row.note)
    setAnswer('')
  }, [key, row.tags.join(), row.note])
  if (overview.value?.readOnly) {
    return row.note === '' && row.tags.length === 0 ? null : (
      <p class="note">
        {row.tags.map((tag) => (
          <span class="tag" key={tag}>
            <Line text={tag} />
          </span>
        ))}{' '}
        <Line text={row.note} />
      </p>
    )
  }
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    const list = tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '')
    try {
      await source.value.notes(key, { tags: list, note })
      setAnswer('saved')
    } catch (error) {
      setAnswer((error as Error).message)
    }
  }
  return (
    <form class="notes" onSubmit={save}>
      <label>
        <span>Tags</span>
        <input
          value={tags}
          placeholder="best, baseline"
          onInput={(event) => setTags(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Note</span>
        <textarea rows={2} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <button type="submit">Save</button> <span role="status">{answer}</span>
    </form>
  )
}

function Facts({ row }: { readonly row: RunRow }) {
  const part = (title: string, entries: readonly (readonly [string, unknown])[]) => (
    <details open={title === 'Figures'}>
      <summary>{title}</summary>
      <dl>
        {entries.map(([key, value]) => (
          <div key={key}>
            <dt>{title === 'Figures' ? label(key) : key}</dt>
            <dd>
              <Line text={title === 'Figures' ? shown(key, value) : String(value)} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  )
  return (
    <section class="facts">
      {part('Figures', Object.entries(row.figures))}
      {part('Settings', Object.entries(row.config))}
      {part('Versions, data, machine', Object.entries(row.about))}
    </section>
  )
}
