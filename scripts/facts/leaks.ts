/** @file Finds what a tuning row gives away of a fact that is to be scored. */
import { questionsAbout, type Row } from './questions.ts'
import { type Attribute, type Fact, mentions } from './table.ts'

export interface Leak {
  /** Index of the row. */
  readonly row: number
  readonly fact: Fact
  readonly why: string
}

/** A drug's name all but tells its mechanism, and the other way round. */
const PARTNERS: Readonly<Partial<Record<Attribute, Attribute>>> = { drug: 'mechanism', mechanism: 'drug' }

/**
 * Every (row, held-out fact) where the row's question asks for the fact, or where its question, reasoning or answer
 * names the condition together with the fact's value (a drug's mechanism and a mechanism's drug count as well).
 */
export function findLeaks(rows: readonly Row[], heldOut: readonly Fact[]): Leak[] {
  const conditions = [...new Set(heldOut.map(({ condition }) => condition))]
  return rows.flatMap((row, index) => {
    const text = [row.Question, row.Complex_CoT, row.Response].join('\n')
    const named = conditions.filter(({ condition }) => mentions(text, condition))
    return heldOut
      .filter(({ condition }) => named.includes(condition))
      .flatMap((fact) => {
        const why = leakOf(fact, text, row.Question)
        return why === undefined ? [] : [{ row: index, fact, why }]
      })
  })
}

function leakOf(fact: Fact, text: string, question: string): string | undefined {
  const { condition, attribute } = fact
  const partner = PARTNERS[attribute]
  const told = [attribute, ...(partner === undefined ? [] : [partner])].find((name) =>
    mentions(text, condition[name]),
  )
  if (told !== undefined) return `names the ${told} "${condition[told]}" of ${condition.condition}`
  const asked = questionsAbout(fact).some((wording) => mentions(question, wording))
  return asked ? `asks for the ${attribute} of ${condition.condition}` : undefined
}
