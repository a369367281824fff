import { describe, expect, it } from 'vitest'
import { ATTRIBUTES, mentions, parseTable, readTable, valuesOf } from '../../scripts/facts/table.ts'

const HEADER = 'condition,sign,test,drug,mechanism,organ,risk'

describe('the table of facts', () => {
  const table = readTable()

  it('has at least 100 conditions, each once', () => {
    expect(table.length).toBeGreaterThanOrEqual(100)
    expect(new Set(table.map(({ condition }) => condition)).size).toBe(table.length)
    expect(table.every((row) => Object.isFrozen(row))).toBe(true)
  })

  it.each(ATTRIBUTES)('has enough, and short, values of %s to draw four options from', (attribute) => {
    const values = valuesOf(table, attribute)
    expect(values.length).toBeGreaterThanOrEqual(10)
    expect(values.length).toBeLessThan(table.length / 1.9)
    for (const value of values) expect(value.split(' ').length).toBeLessThanOrEqual(4)
  })

  it('gives a drug one mechanism', () => {
    const pairs = new Set(table.map(({ drug, mechanism }) => `${drug}: ${mechanism}`))
    expect(pairs.size).toBe(valuesOf(table, 'drug').length)
  })
})

describe('a table with a mistake is refused', () => {
  const FIRST = 'asthma,wheezing,spirometry,salbutamol,relaxes airway muscle,lungs,smoking'
  const cases = [
    ['a condition twice', FIRST, ':3: condition "asthma" appears twice'],
    [
      'a value inside another',
      'angina,wheezing noise,scan,aspirin,thins platelets,heart,obesity',
      'sign "wheezing" is a part of "wheezing noise"',
    ],
    [
      'a drug with two mechanisms',
      'angina,pain,scan,salbutamol,thins platelets,heart,obesity',
      ':3: salbutamol has two mechanisms',
    ],
    [
      'a value that its own row gives away',
      'angina,pain,heart scan,aspirin,thins platelets,heart,obesity',
      ':3: organ "heart" is named by the test "heart scan"',
    ],
    ['an empty cell', 'angina,,scan,aspirin,thins platelets,heart,obesity', ':3: "" is not a plain'],
  ] as const

  it.each(cases)('%s', (_, line, message) => {
    expect(() => parseTable(`${HEADER}\n${FIRST}\n${line}\n`, 'facts.csv')).toThrow(message)
  })

  it('other columns', () => {
    expect(() => parseTable('condition,sign\na,b\n', 'facts.csv')).toThrow('facts.csv:1: columns must be')
  })
})

it('a phrase is found as whole words, whatever the case and the marks around it', () => {
  expect(mentions('Take a Chest X-ray.', 'chest x-ray')).toBe(true)
  expect(mentions('chest\nx-ray', 'chest x-ray')).toBe(true)
  expect(mentions('The damage is old.', 'age')).toBe(false)
})
