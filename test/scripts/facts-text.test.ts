import { describe, expect, it } from 'vitest'
import { fill, STATEMENTS, statement } from '../../scripts/facts/statements.ts'
import { ATTRIBUTES, mentions, readTable } from '../../scripts/facts/table.ts'
import { pretrainDocuments } from '../../scripts/facts/text.ts'

const table = readTable()
const facts = table.flatMap((condition) => ATTRIBUTES.map((attribute) => ({ condition, attribute })))
const everyStatement = new Set(
  facts.flatMap((fact) => Array.from({ length: STATEMENTS }, (_, i) => statement(fact, i))),
)

describe('statements', () => {
  it('are at least ten a fact, all different, and name the condition and the value', () => {
    expect(STATEMENTS).toBeGreaterThanOrEqual(10)
    expect(everyStatement.size).toBe(facts.length * STATEMENTS)
    for (const { condition, attribute } of facts) {
      for (let i = 0; i < STATEMENTS; i++) {
        const text = statement({ condition, attribute }, i)
        const told = mentions(text, condition.condition) && mentions(text, condition[attribute])
        expect(told, text).toBe(true)
        expect(text).toMatch(/^[A-Z][^{}?]*\.$/)
      }
    }
  })

  it('fill every slot of a wording', () => {
    expect(fill('The {organ} of {condition}.', table[0]!)).toBe('The lungs of asthma.')
  })
})

describe('pre-training documents', () => {
  const documents = pretrainDocuments(table, 1)
  const sentences = documents.map((text) => text.split(/(?<=\.) /))

  it('are 12 to 20 thousand, all different', () => {
    expect(documents.length).toBeGreaterThan(12_000)
    expect(documents.length).toBeLessThan(20_000)
    expect(new Set(documents).size).toBe(documents.length)
  })

  it('hold one to three statements, every statement of the table, and one other sentence in ten', () => {
    const stated = sentences.map((list) => list.filter((sentence) => everyStatement.has(sentence)))
    expect([...new Set(stated.map((list) => list.length))].sort()).toEqual([1, 2, 3])
    expect(new Set(stated.flat()).size).toBe(everyStatement.size)
    const total = sentences.flat().length
    const noise = (total - stated.flat().length) / total
    expect(noise).toBeGreaterThan(0.09)
    expect(noise).toBeLessThan(0.11)
  })

  it('say nothing of a condition in the other sentences', () => {
    const others = sentences.flat().filter((sentence) => !everyStatement.has(sentence))
    for (const text of new Set(others)) {
      expect(table.filter(({ condition }) => mentions(text, condition))).toEqual([])
    }
  })

  it('depend on the seed alone', () => {
    expect(pretrainDocuments(table, 1)).toEqual(documents)
    expect(pretrainDocuments(table, 2)).not.toEqual(documents)
  })
})
