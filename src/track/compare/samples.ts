/** @file The same items answered by several runs, side by side. */
import type { EvalTable, RunItems } from './evaluations.ts'
import { answerOf, type ItemRow, textOf } from './items.ts'
import { pairItems } from './question.ts'

export interface Answer {
  readonly text: string
  readonly score: number
  /** Against the first run. */
  readonly outcome: 'win' | 'tie' | 'loss' | null
}

export interface Sample {
  readonly id: string
  readonly prompt: string
  readonly reference: string
  /** One a run; null where it has not this item. */
  readonly answers: readonly (Answer | null)[]
}

export interface SampleTable {
  readonly evaluation: string
  /** How many items the runs answer differently, of how many that the first has. */
  readonly differing: number
  readonly total: number
  readonly samples: readonly Sample[]
}

/** Items of evaluations that ask for an answer, those first that the runs answer differently. */
export async function sampleTables(
  evaluations: readonly EvalTable[],
  runs: readonly RunItems[],
  most: number,
): Promise<SampleTable[]> {
  const tables = evaluations.map(async ({ name, better }) => {
    const items = await Promise.all(runs.map((run) => run.items(name)))
    return sampleTable(name, better, items, most)
  })
  return (await Promise.all(tables)).filter(({ total }) => total > 0)
}

function sampleTable(
  evaluation: string,
  better: 'higher' | 'lower',
  items: readonly (readonly ItemRow[])[],
  most: number,
): SampleTable {
  const all = sideBySide(items, better)
  const differing = all.filter(differs)
  const rest = all.filter((sample) => !differs(sample))
  return {
    evaluation,
    differing: differing.length,
    total: all.length,
    samples: [...differing, ...rest].slice(0, most),
  }
}

/** Every item of the first run that has an answer, with the answers of the others to the same question. */
export function sideBySide(
  items: readonly (readonly ItemRow[])[],
  better: 'higher' | 'lower',
): readonly Sample[] {
  const first = items[0] ?? []
  const same = items.map((list) => new Map(pairItems(first, list).pairs.map(([, item]) => [item.id, item])))
  const sign = better === 'higher' ? 1 : -1
  return first.flatMap((own) => {
    if (answerOf(own) === undefined) return []
    const answers = same.map((list, run) => {
      const item = list.get(own.id)
      if (!item) return null
      const change = sign * (item.score - own.score)
      const outcome = change > 0 ? 'win' : change < 0 ? 'loss' : 'tie'
      return { text: answerOf(item) ?? '', score: item.score, outcome: run === 0 ? null : outcome } as const
    })
    const { question, prompt, reference } = own.detail
    const asked = textOf(question ?? prompt ?? '')
    return [{ id: own.id, prompt: asked, reference: textOf(reference ?? ''), answers }]
  })
}

/** Whether the runs do not all say the same. */
export function differs({ answers }: Sample): boolean {
  const texts = answers.flatMap((answer) => (answer ? [answer.text] : []))
  return texts.some((text) => text !== texts[0])
}
