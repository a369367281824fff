/**
 * @file The text that the embedded model is pre-trained on: short documents of one to three statements, with one
 * neutral sentence in ten. Every statement of every fact is read once a round, so no fact is favoured.
 */
import { type Draw, drawsOf } from './draw.ts'
import { noiseSentence } from './noise.ts'
import { STATEMENTS, statement } from './statements.ts'
import { ATTRIBUTES, type Condition, type Fact } from './table.ts'

/** Share of sentences that state no fact. */
const NOISE = 0.1

/** Statements of a document; a size is drawn from this list. */
const SIZES = [1, 2, 2, 3, 3] as const

/**
 * Different documents in the order of reading. In even rounds a document mixes conditions; in odd rounds it tells
 * different things of one.
 */
export function pretrainDocuments(table: readonly Condition[], seed: number, rounds = 4): string[] {
  const documents = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const draw = drawsOf(seed, `pretrain-${round}`)
    const runs = round % 2 === 0 ? [mixed(table, draw)] : byCondition(table, draw)
    for (const group of draw.shuffle(runs.flatMap((run) => inGroups(run, draw)))) {
      documents.add(withNoise(group, draw).join(' '))
    }
  }
  return [...documents]
}

/** Every statement of the table, shuffled. */
function mixed(table: readonly Condition[], draw: Draw): string[] {
  const statements = table.flatMap((condition) =>
    factsOf(condition).flatMap((fact) => Array.from({ length: STATEMENTS }, (_, i) => statement(fact, i))),
  )
  return draw.shuffle(statements)
}

/** Runs of one condition's six facts, each fact once a run, and in another wording in each. */
function byCondition(table: readonly Condition[], draw: Draw): string[][] {
  return table.flatMap((condition) => {
    const facts = factsOf(condition).map((fact) => ({
      fact,
      order: draw.shuffle(Array.from({ length: STATEMENTS }, (_, i) => i)),
    }))
    return Array.from({ length: STATEMENTS }, (_, i) =>
      draw.shuffle(facts.map(({ fact, order }) => statement(fact, order[i]!))),
    )
  })
}

function factsOf(condition: Condition): Fact[] {
  return ATTRIBUTES.map((attribute) => ({ condition, attribute }))
}

function inGroups(statements: readonly string[], draw: Draw): string[][] {
  const groups: string[][] = []
  for (let start = 0; start < statements.length; ) {
    const group = statements.slice(start, start + draw.pick(SIZES))
    groups.push(group)
    start += group.length
  }
  return groups
}

function withNoise(statements: readonly string[], draw: Draw): string[] {
  return statements.flatMap((sentence) => {
    if (draw.next() >= NOISE / (1 - NOISE)) return [sentence]
    return draw.next() < 0.5 ? [noiseSentence(draw), sentence] : [sentence, noiseSentence(draw)]
  })
}
