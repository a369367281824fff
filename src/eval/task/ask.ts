/**
 * @file How an item is put to a model: as plain text, as lm-evaluation-harness has it, or as a chat turn. Where a
 * prompt ends in blanks, they belong to what follows, since tokens begin with their blank.
 */
import type { ChatTurn, ChoiceGroup, Encoded, Span, Subject } from '../../plugin/contract.ts'

export interface Example {
  readonly prompt: string
  readonly reference: string
}

export interface Ask {
  /** Stands before everything. */
  readonly system: string
  readonly examples: readonly Example[]
  readonly question: string
  /** What stands between a question and its answer in plain text. */
  readonly delimiter: string
  /** Whether the recipe's template makes turns of it. */
  readonly chat: boolean
}

/** Examples and question as plain text: `question answer`, and an empty line, of each example. */
export function askText({ examples, question, delimiter }: Ask): string {
  return examples.map(({ prompt, reference }) => `${prompt}${delimiter}${reference}\n\n`).join('') + question
}

/** What an item of results says it was asked: the whole prompt, and the question by itself where more stands before it. */
export function askedDetail(ask: Ask): { readonly prompt: string; readonly question?: string } {
  const prompt = ask.system + askText(ask)
  return prompt === ask.question ? { prompt } : { prompt, question: ask.question }
}

/** The prompt up to where the model answers; in a chat, each example is a turn of the user's and one of the model's. */
export function promptSpans({ template, opening }: Subject, ask: Ask): readonly Span[] {
  const { system, examples, question, chat } = ask
  const text = system + askText(ask)
  if (!chat) return [...opening, { text, train: false }]
  if (template.converse === undefined) return template.prompt(text)
  return template.converse([
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...examples.flatMap(({ prompt, reference }): ChatTurn[] => [
      { role: 'user', content: prompt },
      { role: 'assistant', content: reference },
    ]),
    { role: 'user', content: question },
  ])
}

/**
 * Prompt and choices as token ids. Each choice is cut into tokens together with the prompt, and what goes beyond
 * the prompt's own number of tokens is the choice's, as in lm-evaluation-harness.
 * @throws RangeError where a choice adds no token
 */
export function choiceGroup(
  encode: (spans: readonly Span[]) => Encoded,
  prompt: readonly Span[],
  choices: readonly string[],
): ChoiceGroup {
  const { kept, blanks } = withoutBlanks(prompt)
  const ids = encode(kept).ids
  const continuations = choices.map((choice) => {
    const whole = encode([...kept, { text: blanks + choice, train: false }]).ids
    if (whole.length <= ids.length)
      throw new RangeError(`choice ${JSON.stringify(choice)} adds no token to its prompt`)
    return whole.subarray(ids.length)
  })
  return { prompt: ids, choices: continuations }
}

/** The spans without the blanks at their end, and these blanks. Control tokens are no blanks. */
function withoutBlanks(spans: readonly Span[]): { readonly kept: readonly Span[]; readonly blanks: string } {
  const last = spans.at(-1)
  if (last === undefined || last.control === true) return { kept: spans, blanks: '' }
  const text = last.text.trimEnd()
  const kept = text === '' ? spans.slice(0, -1) : [...spans.slice(0, -1), { ...last, text }]
  return { kept, blanks: last.text.slice(text.length) }
}

/**
 * The groups within the model's positions: a prompt that is too long loses its beginning, for each choice as much as
 * that choice needs. Groups of one choice may come of it; `owners` says which item each belongs to.
 */
export function fitGroups(
  groups: readonly ChoiceGroup[],
  maxLength: number,
): { readonly groups: readonly ChoiceGroup[]; readonly owners: readonly number[]; readonly cut: number } {
  const fitted: ChoiceGroup[] = []
  const owners: number[] = []
  let cut = 0
  groups.forEach((group, owner) => {
    const longest = Math.max(...group.choices.map(({ length }) => length))
    // The last token of a choice is predicted, not read.
    if (group.prompt.length + longest - 1 <= maxLength) {
      fitted.push(group)
      owners.push(owner)
      return
    }
    cut++
    for (const choice of group.choices) {
      const room = Math.max(1, maxLength + 1 - choice.length)
      fitted.push({ prompt: group.prompt.subarray(-room), choices: [choice] })
      owners.push(owner)
    }
  })
  return { groups: fitted, owners, cut }
}
