/** @file Answers of several runs to the same items, a page of them at a time. Pure: the exported report has it too. */
import type { ItemRow } from '../../track/compare/items.ts'
import { differs, type Sample, sideBySide } from '../../track/compare/samples.ts'
import type { SampleQuery, SampleReply, Text } from './wire.ts'

/** Items of the tuned model of a run, in an evaluation. */
export interface ItemSource {
  items(key: string, evaluation: string): Promise<readonly ItemRow[]>
  better(key: string, evaluation: string): 'higher' | 'lower' | undefined
}

/** Characters of one text that are sent unasked: a model may answer with a megabyte. */
const SHOWN = 20_000

const SHOWS: Readonly<Record<SampleQuery['show'], (sample: Sample) => boolean>> = {
  all: () => true,
  differing: differs,
  wins: ({ answers }) => answers.some((answer) => answer?.outcome === 'win'),
  losses: ({ answers }) => answers.some((answer) => answer?.outcome === 'loss'),
}

export async function readSamples(source: ItemSource, query: SampleQuery): Promise<SampleReply> {
  const all = await sideBySideOf(source, query)
  const search = query.search.toLowerCase()
  const matching = all.filter(
    (sample) => SHOWS[query.show](sample) && (search === '' || mentions(sample, search)),
  )
  return {
    total: all.length,
    matching: matching.length,
    counts: query.keys.map((_, run) => (run === 0 ? null : count(all, run))),
    items: matching
      .slice(query.offset, query.offset + query.limit)
      .map(({ id, prompt, reference, answers }) => ({
        id,
        prompt: cut(prompt),
        reference: cut(reference),
        answers: answers.map((answer) => answer && { ...answer, ...cut(answer.text) }),
      })),
  }
}

/** The whole texts of one item. */
export async function readSample(
  source: ItemSource,
  query: SampleQuery,
  id: string,
): Promise<Sample | undefined> {
  return (await sideBySideOf(source, query)).find((sample) => sample.id === id)
}

async function sideBySideOf(
  source: ItemSource,
  { keys, evaluation }: SampleQuery,
): Promise<readonly Sample[]> {
  const items = await Promise.all(keys.map((key) => source.items(key, evaluation)))
  const better = keys.map((key) => source.better(key, evaluation)).find((one) => one !== undefined)
  return sideBySide(items, better ?? 'higher')
}

function mentions({ id, prompt, reference, answers }: Sample, search: string): boolean {
  return [id, prompt, reference, ...answers.map((answer) => answer?.text ?? '')].some((text) =>
    text.toLowerCase().includes(search),
  )
}

function count(samples: readonly Sample[], run: number): { wins: number; ties: number; losses: number } {
  const counts = { win: 0, tie: 0, loss: 0 }
  for (const { answers } of samples) {
    const outcome = answers[run]?.outcome
    if (outcome) counts[outcome]++
  }
  return { wins: counts.win, ties: counts.tie, losses: counts.loss }
}

function cut(text: string): Text {
  return text.length <= SHOWN ? { text } : { text: text.slice(0, SHOWN), whole: text.length }
}
