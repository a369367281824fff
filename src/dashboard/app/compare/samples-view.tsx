/** @file The same questions, answered by the drawn runs: what each said, word by word against the first. */
import { useState } from 'preact/hooks'
import type { SampleQuery, SampleReply } from '../../shared/wire.ts'
import { Line } from '../parts/text.tsx'
import { useAnswer } from '../parts/use-answer.ts'
import { compared, nameAt, rowOf, source } from '../state/runs.ts'
import { change, SHOWS, view } from '../state/view.ts'
import { Badge } from './badge.tsx'
import { OutcomeBar } from './outcome-bar.tsx'
import { SampleCard } from './sample-card.tsx'
import '../parts/controls.css'
import './samples.css'

/** More columns cannot be read. */
const MOST = 6
const PAGE = 20

const SHOWN: Readonly<Record<(typeof SHOWS)[number], string>> = {
  differing: 'answered differently',
  wins: 'won by a later run',
  losses: 'lost by a later run',
  all: 'all',
}

export function SamplesView() {
  const [pages, setPages] = useState(1)
  const all = compared.value
  // Of the loss on held-out rows no answers are kept.
  const names = [...new Set(all.flatMap((key) => rowOf(key)?.evals.map(({ name }) => name) ?? []))].filter(
    (name) => name !== 'holdout',
  )
  const { evaluation: chosen, show, search } = view.value
  const evaluation = names.includes(chosen) ? chosen : (firstWithAnswers(names, all) ?? '')
  const keys = all.filter((key) => hasAnswers(key, evaluation)).slice(0, MOST)
  const query: SampleQuery = { keys, evaluation, show, search, offset: 0, limit: PAGE * pages }
  const { value, error, waiting } = useAnswer(evaluation === '' ? '' : JSON.stringify(query), (signal) =>
    source.value.samples(query, signal),
  )
  if (names.length === 0) return <p class="empty">Draw runs that were evaluated to see their answers.</p>
  return (
    <div class="samples" aria-busy={waiting}>
      <div class="controls">
        <label>
          <span>Evaluation</span>
          <select value={evaluation} onChange={(event) => change({ evaluation: event.currentTarget.value })}>
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Items</span>
          <select
            value={show}
            onChange={(event) => change({ show: SHOWS.find((one) => one === event.currentTarget.value)! })}
          >
            {SHOWS.map((one) => (
              <option key={one} value={one}>
                {SHOWN[one]}
              </option>
            ))}
          </select>
        </label>
        <label class="search">
          <span class="hidden">Find in questions and answers</span>
          <input
            type="search"
            value={search}
            placeholder="find in questions and answers"
            onInput={(event) => change({ search: event.currentTarget.value })}
          />
        </label>
      </div>
      {error !== '' && <p role="alert">{error}</p>}
      {value && <Standing keys={keys} reply={value} />}
      {value?.items.map((item) => (
        <SampleCard key={item.id} item={item} query={query} />
      ))}
      {value && value.items.length < value.matching && (
        <button type="button" class="more" onClick={() => setPages(pages + 1)}>
          Show more
        </button>
      )}
    </div>
  )
}

/** Whether the tuned model was asked. */
function hasAnswers(key: string, evaluation: string): boolean {
  return rowOf(key)?.evals.some(({ name, tuned }) => name === evaluation && tuned !== undefined) ?? false
}

/** An evaluation whose score is a loss has items but no answers. */
function firstWithAnswers(names: readonly string[], keys: readonly string[]): string | undefined {
  const metricOf = (name: string): string =>
    keys.flatMap((key) => rowOf(key)?.evals ?? []).find((one) => one.name === name)?.metric ?? ''
  return names.find((name) => !/loss|perplexity/.test(metricOf(name))) ?? names[0]
}

function Standing({ keys, reply }: { readonly keys: readonly string[]; readonly reply: SampleReply }) {
  return (
    <div class="standing">
      <p role="status">
        {reply.total === 0
          ? 'This evaluation asks for no answers.'
          : `${reply.matching.toLocaleString('en-US')} of ${reply.total.toLocaleString('en-US')} items`}
      </p>
      <ul>
        {keys.map((key, i) => {
          const counts = reply.counts[i]
          return (
            <li key={key}>
              <Badge index={compared.value.indexOf(key)} /> <Line text={nameAt(key)} />{' '}
              {counts && <OutcomeBar {...counts} />}
            </li>
          )
        })}
      </ul>
    </div>
  )
}
