/** @file One item: what was asked, what would have been right, and each run's answer with what it says otherwise. */

import { visible } from '../../../util/visible.ts'
import { wordDiff } from '../../../util/word-diff.ts'
import type { SampleQuery, SampleReply, Text } from '../../shared/wire.ts'
import { short } from '../parts/format.ts'
import { Block, Line } from '../parts/text.tsx'
import { compared, source } from '../state/runs.ts'
import { Badge } from './badge.tsx'
import './samples.css'

type Item = SampleReply['items'][number]

/** Longer answers are shown without marks. */
const LONGEST_DIFF = 6000

export function SampleCard({ item, query }: { readonly item: Item; readonly query: SampleQuery }) {
  const { id, prompt, reference, answers } = item
  const first = answers[0]?.text
  const whole =
    (pick: (sample: Awaited<ReturnType<typeof source.value.sample>>) => string | undefined) => async () =>
      pick(await source.value.sample(query, id)) ?? ''
  return (
    <article class="sample">
      <header>
        <h3>
          <Line text={id} />
        </h3>
      </header>
      <div class="asked">
        <Block {...prompt} more={whole((sample) => sample.prompt)} />
        {reference.text !== '' && (
          <div class="reference">
            <small>right answer</small>
            <Block {...reference} more={whole((sample) => sample.reference)} />
          </div>
        )}
      </div>
      <div class="answers">
        {answers.map((answer, i) => (
          <div key={i} class={`answer ${answer?.outcome ?? ''}`}>
            <p>
              <Badge index={compared.value.indexOf(query.keys[i]!)} />
              {answer ? <small>score {short(answer.score)}</small> : <small>not asked</small>}
              {answer?.outcome && answer.outcome !== 'tie' && (
                <b>{answer.outcome === 'win' ? 'won' : 'lost'}</b>
              )}
            </p>
            {answer && (
              <AnswerText
                answer={answer}
                first={i === 0 ? undefined : first}
                more={whole((sample) => sample.answers[i]?.text)}
              />
            )}
          </div>
        ))}
      </div>
    </article>
  )
}

interface AnswerProps {
  readonly answer: Text
  readonly first: string | undefined
  readonly more: () => Promise<string>
}

/** Words that the first run did not say are underlined, those that only it said struck through. */
function AnswerText({ answer, first, more }: AnswerProps) {
  const plain = first === undefined || first === answer.text || answer.whole !== undefined
  if (plain || first.length + answer.text.length > LONGEST_DIFF) return <Block {...answer} more={more} />
  return (
    <div class="block" dir="auto">
      {wordDiff(first, answer.text).map(({ kind, text }, i) => {
        if (kind === 'same') return <span key={i}>{visible(text)}</span>
        return kind === 'added' ? <ins key={i}>{visible(text)}</ins> : <del key={i}>{visible(text)}</del>
      })}
    </div>
  )
}
