/** @file What is asked: rows to tune on, with reasoning and without, and scored questions with four options. */
import { type Draw, drawsOf } from './draw.ts'
import { fill } from './statements.ts'
import { type Attribute, type Condition, type Fact, valuesOf } from './table.ts'

/** A row to tune on. Each question comes twice: with a line of reasoning, and with none. */
export interface Row {
  readonly Question: string
  readonly Complex_CoT: string
  readonly Response: string
}

/** A scored question; `answer` is the index of the option that is right. */
export interface Item {
  readonly id: string
  readonly question: string
  readonly options: readonly string[]
  readonly answer: number
  /** The condition that the question names. */
  readonly condition: string
  readonly attribute: Attribute
}

/** The same wordings for tuned and for scored facts; {condition} is filled in. */
const QUESTIONS: Readonly<Record<Attribute, readonly string[]>> = {
  sign: [
    'What is the typical sign of {condition}?',
    'Which sign does a patient with {condition} typically show?',
    'With what sign does {condition} usually present?',
  ],
  test: [
    'What is the usual test for {condition}?',
    'Which test is ordered to confirm {condition}?',
    'How is {condition} usually diagnosed?',
  ],
  drug: [
    'What is the first-line drug for {condition}?',
    'Which drug is a patient with {condition} usually given?',
    'With what drug is {condition} treated?',
  ],
  mechanism: [
    'What does the first-line drug for {condition} do?',
    'How does the drug that treats {condition} work?',
    'What is the action of the standard medicine for {condition}?',
  ],
  organ: [
    'Which organ is affected by {condition}?',
    'What is the main site of {condition}?',
    'Where in the body does {condition} strike?',
  ],
  risk: [
    'What is the main risk factor for {condition}?',
    'With what does the risk of {condition} rise?',
    'Which risk factor is known for {condition}?',
  ],
}

/** One line of reasoning: the asked fact recalled as a statement. A mechanism's line may name its drug. */
const REASONING: Readonly<Record<Attribute, string>> = {
  sign: 'The typical sign of {condition} is {sign}.',
  test: 'The usual test for {condition} is {test}.',
  drug: 'The first-line drug for {condition} is {drug}.',
  mechanism: 'The first-line drug for {condition} is {drug}, which {mechanism}.',
  organ: 'The organ affected by {condition} is the {organ}.',
  risk: 'The main risk factor for {condition} is {risk}.',
}

/** Wordings in which each tuned fact is asked. */
const ASKED = 2

/** All wordings of a fact's question. */
export function questionsAbout({ condition, attribute }: Fact): string[] {
  return QUESTIONS[attribute].map((wording) => fill(wording, condition))
}

/** Rows about the facts, shuffled: each fact in two wordings, each wording in two forms. */
export function tuningRows(facts: readonly Fact[], seed: number): Row[] {
  const draw = drawsOf(seed, 'tuning-rows')
  const rows = facts.flatMap((fact) => {
    const Complex_CoT = fill(REASONING[fact.attribute], fact.condition)
    const Response = fact.condition[fact.attribute]
    return draw
      .shuffle(questionsAbout(fact))
      .slice(0, ASKED)
      .flatMap((Question) => [
        { Question, Complex_CoT, Response },
        { Question, Complex_CoT: '', Response },
      ])
  })
  return draw.shuffle(rows)
}

/**
 * A question about each fact, and its control: the same options and the same answer scored, but the question names
 * a condition for which none of the options is true.
 */
export function scoredItems(
  table: readonly Condition[],
  facts: readonly Fact[],
  seed: number,
): { heldOut: Item[]; swapped: Item[] } {
  const draw = drawsOf(seed, 'scored-items')
  const pairs = facts.map((fact) => scoredPair(table, fact, draw))
  return { heldOut: pairs.map(({ item }) => item), swapped: pairs.map(({ control }) => control) }
}

function scoredPair(
  table: readonly Condition[],
  { condition, attribute }: Fact,
  draw: Draw,
): { item: Item; control: Item } {
  const right = condition[attribute]
  const options = draw.shuffle([right, ...distractors(table, attribute, right, draw)])
  const others = table.filter((row) => !options.includes(row[attribute]))
  if (others.length === 0) throw new Error(`no condition is without ${attribute} ${options.join(', ')}`)
  const wording = draw.pick(QUESTIONS[attribute])
  const about = (named: Condition): Item => ({
    id: `${condition.condition}/${attribute}`,
    question: fill(wording, named),
    options,
    answer: options.indexOf(right),
    condition: named.condition,
    attribute,
  })
  return { item: about(condition), control: about(draw.pick(others)) }
}

/**
 * Three other values, each drawn as the value of a random condition, so that a common value is as common among
 * the wrong options as among the right ones.
 */
function distractors(table: readonly Condition[], attribute: Attribute, right: string, draw: Draw): string[] {
  if (valuesOf(table, attribute).length < 4) throw new Error(`${attribute} has fewer than four values`)
  const chosen = new Set<string>()
  while (chosen.size < 3) {
    const value = draw.pick(table)[attribute]
    if (value !== right) chosen.add(value)
  }
  return [...chosen]
}
