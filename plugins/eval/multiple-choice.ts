/**
 * @file Evaluation `multiple-choice`: the option whose text the model finds most likely behind the
 * question. Nothing is generated and no letters are asked for; the log-probabilities of an option's tokens
 * are summed. Of equally likely options the first is taken, and such ties are counted.
 */
import { fillPattern, type Item, readItems } from 'medtune/eval'
import {
  type ChoiceGroup,
  definePlugin,
  type EvalItem,
  type InputError,
  OptionError,
  type Subject,
} from 'medtune/plugin'

/** One question, ready to be asked. */
interface Question {
  readonly id: string
  readonly user: string
  readonly choices: readonly string[]
  readonly answer: number
  fail(message: string): InputError
}

export default definePlugin({
  kind: 'eval',
  name: 'multiple-choice',
  summary: 'Accuracy by the log-probability of each option.',
  options: {
    type: 'object',
    properties: {
      path: { type: 'string', minLength: 1, description: 'File of questions, one JSON object a line.' },
      question: {
        type: 'string',
        default: '{question}',
        description: 'The user turn; {column} is filled in.',
      },
      prefix: { type: 'string', default: '', description: 'Text that the model turn starts with.' },
      choices: { type: 'string', default: 'options', description: 'Column with the list of options.' },
      answer: {
        type: 'string',
        default: 'answer',
        description: 'Column with the right index (from 0) or text.',
      },
      limit: { type: 'integer', minimum: 1, description: 'Ask only the first so many questions.' },
    },
    required: ['path'],
    additionalProperties: false,
  },
  async create(options, context) {
    const file = context.resolvePath(options.path)
    const items = await readItems(file, options.limit).catch((error: Error) => {
      throw new OptionError('path', error.message)
    })
    const questions = items.map((item) => readQuestion(item, options))
    refuseTwins(questions)
    return {
      templated: true,
      texts: async () => questions.map(({ id, user }) => ({ id, text: user })),
      async evaluate(subject) {
        const scores = await scoreQuestions(questions, options.prefix, subject)
        const results = questions.map((question, i) => judge(question, scores[i]!))
        const share = (of: (result: Result) => boolean): number => results.filter(of).length / results.length
        return {
          metric: 'accuracy',
          better: 'higher',
          items: results.map(({ item }) => item),
          extra: {
            acc_norm: share(({ byLength }) => byLength),
            chance:
              questions.reduce((total, { choices }) => total + 1 / choices.length, 0) / questions.length,
            ties: results.filter(({ tie }) => tie).length,
          },
        }
      },
    }
  },
})

function readQuestion(
  item: Item,
  options: { readonly question: string; readonly choices: string; readonly answer: string },
): Question {
  const { row, line, fail } = item
  const choices = readChoices(row[options.choices], options.choices, item)
  const id = row.id
  return {
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : String(line),
    user: fillPattern(options.question, item),
    choices,
    answer: readAnswer(row[options.answer], options.answer, choices, item),
    fail,
  }
}

/** Base and tuned model are compared question by question, so each needs a name of its own. */
function refuseTwins(questions: readonly Question[]): void {
  const seen = new Set<string>()
  for (const { id, fail } of questions) {
    if (seen.has(id)) throw fail(`id ${JSON.stringify(id)} was used on an earlier line`)
    seen.add(id)
  }
}

function readChoices(value: unknown, column: string, { fail }: Item): string[] {
  if (!Array.isArray(value) || value.length < 2) {
    throw fail(`column "${column}" must be a list of at least two options, found ${show(value)}`)
  }
  const choices = value.map((choice: unknown) => (typeof choice === 'number' ? String(choice) : choice))
  const odd = choices.findIndex((choice) => typeof choice !== 'string' || choice.trim() === '')
  if (odd >= 0) throw fail(`column "${column}": option ${odd} must be text, found ${show(value[odd])}`)
  if (new Set(choices).size < choices.length) throw fail(`column "${column}" has the same option twice`)
  return choices as string[]
}

function readAnswer(value: unknown, column: string, choices: readonly string[], { fail }: Item): number {
  const index = typeof value === 'number' ? value : choices.indexOf(value as string)
  if (Number.isInteger(index) && index >= 0 && index < choices.length) return index
  const hint = `an index from 0 to ${choices.length - 1} or the text of an option`
  throw fail(`column "${column}" must be ${hint}, found ${show(value)}`)
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80)
}

/** Log-probability of each option of each question. */
async function scoreQuestions(
  questions: readonly Question[],
  prefix: string,
  subject: Subject,
): Promise<number[][]> {
  const groups = questions.map((question) => encodeQuestion(question, prefix, subject))
  const scores = await subject.scoreChoices(groups.flat())
  let next = 0
  return groups.map((parts) => parts.flatMap(() => scores[next++]!))
}

/**
 * The prompt once, with every option behind it. Prefix and option are cut into tokens together, as an answer
 * is in training; blanks at the prefix's end belong to the option, since a token begins with its blank. Where
 * an option changes how the end of the prefix is cut, each option becomes a group with a prompt of its own.
 */
function encodeQuestion(question: Question, prefix: string, subject: Subject): ChoiceGroup[] {
  const start = subject.template.prompt(question.user)
  const encode = (text: string): Int32Array =>
    subject.encode(text === '' ? start : [...start, { text, train: true }]).ids
  const length = encode(prefix.trimEnd()).length
  const wholes = question.choices.map((choice) => encode(prefix + choice))
  if (wholes.some((ids) => ids.length <= length)) throw question.fail('an option adds no token to its prompt')
  const [first] = wholes
  const shared = wholes.every((ids) => ids.subarray(0, length).every((id, t) => id === first![t]))
  if (shared)
    return [{ prompt: first!.subarray(0, length), choices: wholes.map((ids) => ids.subarray(length)) }]
  return wholes.map((ids) => ({ prompt: ids.subarray(0, length), choices: [ids.subarray(length)] }))
}

interface Result {
  readonly item: EvalItem
  /** Whether the option that is likeliest a character is the right one. */
  readonly byLength: boolean
  readonly tie: boolean
}

function judge({ id, user, choices, answer }: Question, logprobs: readonly number[]): Result {
  const best = firstHighest(logprobs)
  const perCharacter = logprobs.map((logprob, i) => logprob / [...choices[i]!].length)
  return {
    item: {
      id,
      score: best === answer ? 1 : 0,
      weight: 1,
      detail: {
        prompt: user,
        choices,
        logprobs,
        prediction: choices[best] ?? null,
        reference: choices[answer],
      },
    },
    byLength: firstHighest(perCharacter) === answer,
    tie: logprobs.filter((logprob) => logprob === logprobs[best]).length > 1,
  }
}

/** Index of the first largest value; -1 where a model's numbers have run away, which is no answer. */
function firstHighest(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return -1
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
}
