/** @file From the name of a task to an evaluation: reads its file, and those of a group, and asks what they say. */

import { requireFile } from '../../data/index.ts'
import type {
  Dataset,
  EvalItem,
  EvalOutcome,
  Evaluation,
  Row,
  StageContext,
  Subject,
  YamlFile,
} from '../../plugin/contract.ts'
import { OptionError } from '../../util/errors.ts'
import { testIn } from '../../util/test-name.ts'
import { defineTask, TASK_SCHEMA, type TaskDefinition } from './definition.ts'
import { drawExamples } from './fewshot.ts'
import { askByGenerating } from './generated.ts'
import { readExamples, readHalf, readItemsOf, type TaskItem } from './items.ts'
import type { Answers, AskedItem } from './likelihood.ts'
import { askByLikelihood } from './likelihood.ts'

/** What a recipe may say of any task. */
export interface TaskOptions {
  /** A file with the items, in place of the task's own dataset. */
  readonly path?: string
  readonly ids?: string
  readonly answer_from?: number
  readonly fewshot: number
  readonly chat?: boolean
  readonly limit?: number
}

/**
 * The evaluation that a task file describes.
 * @param target the task: a name that ships with medtune, or a path
 * @param mustGenerate whether the model must write something, for a judge to read
 * @throws RecipeError with every mistake of the file, OptionError for an option that does not go with it
 */
export async function openTask(
  target: string,
  options: TaskOptions,
  context: StageContext,
  mustGenerate?: 'generate',
): Promise<Evaluation> {
  const members = await readMembers(target, context)
  const scored = members.find(({ task }) => task.ask !== 'generate')
  if (mustGenerate && scored !== undefined)
    throw new OptionError('task', `${scored.task.name} writes nothing to judge; take one with ask: generate`)
  const grouped = members.length > 1 || members[0]!.group
  if (grouped) refuseForGroup(options, members)
  const tasks = members.map(({ task }) => new OpenTask(task, options, context))
  const prepare = async (): Promise<void> => {
    for (const task of tasks) await task.prepare()
  }
  // What lies on this disk is read at once: a mistake in it is one of the recipe.
  if (tasks.every(({ isLocal }) => isLocal)) await prepare()
  const test = tasks.map((task) => task.test).find((found) => found !== undefined)
  return {
    ...(test === undefined ? {} : { test }),
    templated: members.some(({ task }) => inTurns(task, options)),
    prepare,
    async texts() {
      const parts = await Promise.all(
        tasks.map(async (task) => {
          const asked = await task.prepare()
          return asked.map(({ item }) => ({
            id: grouped ? `${task.name}/${item.id}` : item.id,
            text: item.text,
          }))
        }),
      )
      return parts.flat()
    },
    async evaluate(subject) {
      await prepare()
      const answers: { readonly name: string; readonly found: Answers }[] = []
      for (const task of tasks) answers.push({ name: task.name, found: await task.ask(subject) })
      return grouped ? together(tasks[0]!.metric, answers) : alone(tasks[0]!, answers[0]!.found)
    },
  }
}

/** Whether a task is put in turns of the recipe's template. */
const inTurns = ({ ask }: TaskDefinition, { chat }: TaskOptions): boolean => chat ?? ask === 'generate'

interface Member {
  readonly task: TaskDefinition
  readonly group: boolean
}

/** The task, or the tasks of a group. Groups hold no groups. */
async function readMembers(target: string, context: StageContext): Promise<Member[]> {
  const file = await readTask(target, context)
  const { tasks, summary: _, ...rest } = file.value
  if (!Array.isArray(tasks)) return [{ task: defineTask(file, nameOf(file)), group: false }]
  const stray = Object.keys(rest).find((key) => !GROUP_DEFAULTS.has(key))
  if (stray !== undefined)
    throw file.error(stray, 'does not go with tasks; the tasks of a group say it themselves')
  return Promise.all(
    tasks.map(async (name: string, i) => {
      const path = /[/\\]|\.ya?ml$/i.test(name) ? file.resolvePath(`tasks.${i}`, name) : name
      const part = await readTask(path, context).catch((error: Error) => {
        throw error instanceof OptionError ? file.error(`tasks.${i}`, error.message) : error
      })
      if (Array.isArray(part.value.tasks)) throw file.error(`tasks.${i}`, 'is a group itself; name its tasks')
      return { task: defineTask(part, nameOf(part)), group: true }
    }),
  )
}

/** Keys that a file has by their defaults, whatever it says. */
const GROUP_DEFAULTS = new Set(['ask', 'answer_from'])

function readTask(target: string, context: StageContext): Promise<YamlFile> {
  const place = { target, option: 'task', folder: 'tasks', what: 'task' }
  if (context.readYaml === undefined) throw new Error('tasks are read where a recipe is at hand')
  return context.readYaml(place, TASK_SCHEMA)
}

const nameOf = ({ file }: YamlFile): string => /([^/\\]+?)(\.ya?ml)?$/i.exec(file)![1]!

function refuseForGroup(options: TaskOptions, members: readonly Member[]): void {
  for (const option of ['path', 'ids', 'answer_from'] as const) {
    if (options[option] !== undefined)
      throw new OptionError(
        option,
        'belongs to one task; for the tasks of a group write files that extend them',
      )
  }
  const [first, ...others] = members.map(({ task }) => task)
  const other = others.find(({ metrics }) => metrics[0] !== first!.metrics[0])
  if (other !== undefined)
    throw other.file.error(
      'metrics',
      `begin with ${other.metrics[0]}, those of ${first!.name} with ${first!.metrics[0]}; a group has one mean`,
    )
}

/** A task with its items, once they were read. */
class OpenTask {
  readonly name: string
  readonly isLocal: boolean
  readonly #task: TaskDefinition
  readonly #options: TaskOptions
  readonly #context: StageContext
  #asked: Promise<readonly AskedItem[]> | undefined
  #isHalved = false

  constructor(task: TaskDefinition, options: TaskOptions, context: StageContext) {
    this.name = task.name
    this.#task = task
    this.#options = options
    this.#context = context
    const { path } = task.file.value.dataset as { readonly path?: unknown }
    this.isLocal = options.path !== undefined || typeof path === 'string'
  }

  /** What makes its items a test set, in words. */
  get test(): string | undefined {
    const own = this.#options.path === undefined
    // What the recipe names itself is for the recipe to judge.
    const test = testIn({
      ...(own ? (this.#task.file.value.dataset as object) : {}),
      ...(this.#options.ids === undefined ? { ids: this.#task.ids } : {}),
    })
    if (test !== undefined) return `${test} of ${this.name}`
    // Of a file of the recipe's own it is known once its rows were read.
    const halved = own ? this.#task.half !== undefined && this.#ids === undefined : this.#isHalved
    return halved ? `the test half of ${this.name}` : undefined
  }

  /** The file that names the items, in place of any rule. */
  get #ids(): string | undefined {
    const { ids } = this.#options
    return ids === undefined ? this.#task.ids : this.#context.resolvePath(ids)
  }

  get metric(): string {
    return this.#task.metrics[0]!
  }

  async prepare(): Promise<readonly AskedItem[]> {
    this.#asked ??= this.#read()
    return this.#asked
  }

  async ask(subject: Subject): Promise<Answers> {
    const asked = await this.prepare()
    return this.#task.ask === 'generate'
      ? askByGenerating(this.#task, asked, subject, this.#context.seed)
      : askByLikelihood(this.#task, asked, subject)
  }

  async #read(): Promise<readonly AskedItem[]> {
    const { fewshot, limit, answer_from: answerFrom } = this.#options
    const ids = this.#ids
    // One that the recipe names is a mistake of the recipe.
    if (this.#options.ids !== undefined) await requireFile('ids', ids!)
    const dataset = await this.#dataset()
    const half = ids === undefined ? await this.#half(dataset) : undefined
    this.#isHalved = half !== undefined
    const items = await readItemsOf(this.#task, dataset.read('train'), { limit, ids, answerFrom, half })
    const drawn = fewshot === 0 ? [] : await this.#examples(items, fewshot, half)
    const { system, delimiter } = this.#task
    return items.map((item, i) => ({
      item,
      ask: {
        system,
        examples: drawn[i] ?? [],
        question: item.prompt,
        delimiter,
        chat: inTurns(this.#task, this.#options),
      },
    }))
  }

  async #dataset(changes?: Readonly<Record<string, unknown>>): Promise<Dataset> {
    const { path } = this.#options
    if (path === undefined) return this.#task.file.dataset(changes)
    const file = this.#context.resolvePath(path)
    await requireFile('path', file)
    return this.#task.file.dataset({ use: 'mix', sources: [{ path: file }] })
  }

  #half(dataset: Dataset): Promise<ReadonlySet<string> | undefined> {
    return readHalf(this.#task, dataset.read('train'), (message) => this.#context.warn('task-half', message))
  }

  /** The examples before each item; where a half is asked, they are of the other one. */
  async #examples(
    items: readonly TaskItem[],
    count: number,
    half: ReadonlySet<string> | undefined,
  ): Promise<readonly (readonly TaskItem[])[]> {
    const { fewshot } = this.#task
    const elsewhere = this.#options.path === undefined ? fewshot.dataset : undefined
    const rows: AsyncIterable<Row> = (await this.#dataset(elsewhere)).read('train')
    const pool = await readExamples(this.#task, rows, this.#options.answer_from, half)
    const own = elsewhere === undefined && half === undefined
    if (pool.length < count + (own ? 1 : 0))
      throw new OptionError('fewshot', `asks for ${count} examples of ${pool.length}`)
    return drawExamples(items, pool, count, fewshot, own)
  }
}

function alone({ metric }: OpenTask, { items, extra }: Answers): EvalOutcome {
  return { metric, better: 'higher', items, extra }
}

/** The items of all parts in one list: the mean over them weighs each task by its size. */
function together(
  metric: string,
  answers: readonly { readonly name: string; readonly found: Answers }[],
): EvalOutcome {
  const items = answers.flatMap(({ name, found }) =>
    found.items.map(
      (item): EvalItem => ({
        ...item,
        id: `${name}/${item.id}`,
        part: name,
        ...(item.cluster === undefined ? {} : { cluster: `${name}/${item.cluster}` }),
      }),
    ),
  )
  const keys = [...new Set(answers.flatMap(({ found }) => Object.keys(found.extra)))]
  const total = (key: string): number => answers.reduce((sum, { found }) => sum + (found.extra[key] ?? 0), 0)
  const chance =
    answers.reduce((sum, { found }) => sum + (found.extra.chance ?? 0) * found.items.length, 0) / items.length
  const counts = Object.fromEntries(keys.map((key) => [key, key === 'chance' ? chance : total(key)]))
  return { metric, better: 'higher', items, extra: counts }
}
