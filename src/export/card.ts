/** @file The model card (README.md) of what a run trained: what it comes from, how it was made, what was measured. */
import { stringify } from 'yaml'

type Options = Readonly<Record<string, unknown>>

export interface CardFacts {
  readonly kind: 'adapter' | 'model'
  /** Repository of the base model, where it has one. */
  readonly baseModel: string | undefined
  /** The recipe of the run, where the folder is a run's. */
  readonly recipe:
    | Readonly<Record<'model' | 'dataset' | 'adapter' | 'optimizer' | 'schedule' | 'train', Options>>
    | undefined
  readonly evaluations: Readonly<Record<string, Evaluation>> | undefined
}

interface Evaluation {
  readonly metric: string
  readonly base: Options
  readonly tuned: Options
}

/** Options that name files of one machine. */
const LOCAL = new Set(['path', 'validation', 'from', 'sources'])

/** Markdown with the front matter that the Hub reads. Says only what the run's record says. */
export function modelCard(repo: string, facts: CardFacts): string {
  const { kind, baseModel, recipe } = facts
  const dataset = recipe?.dataset.repo
  const front = {
    library_name: kind === 'adapter' ? 'peft' : 'transformers',
    pipeline_tag: 'text-generation',
    ...(baseModel === undefined ? {} : { base_model: baseModel }),
    ...(typeof dataset === 'string' ? { datasets: [dataset] } : {}),
    tags: ['medtune', ...(recipe === undefined ? [] : [String(recipe.adapter.use)])],
  }
  const from = baseModel === undefined ? '' : ` of [${baseModel}](https://huggingface.co/${baseModel})`
  const on = typeof dataset === 'string' ? ` on [${dataset}](https://huggingface.co/datasets/${dataset})` : ''
  return [
    `---\n${stringify(front)}---\n`,
    `# ${repo.split('/')[1]}\n`,
    `${kind === 'adapter' ? 'An adapter' : 'A fine-tuned model'}${from}, trained${on} with medtune.\n`,
    ...measured(facts),
    ...trained(facts),
  ].join('\n')
}

function measured({ evaluations }: CardFacts): string[] {
  const rows = Object.entries(evaluations ?? {}).map(
    ([name, { metric, base, tuned }]) =>
      `| ${name} | ${metric} | ${figure(base, metric)} | ${figure(tuned, metric)} |`,
  )
  if (rows.length === 0) return []
  return ['## Measured\n', '| evaluation | metric | base | tuned |', '|---|---|---|---|', ...rows, '']
}

/** The figure with its interval, as the report has them. */
function figure(scores: Options, metric: string): string {
  const round = (value: unknown): string => Number(Number(value).toPrecision(4)).toString()
  const ci = scores.ci95
  return Array.isArray(ci) ? `${round(scores[metric])} [${ci.map(round).join(', ')}]` : round(scores[metric])
}

function trained({ recipe }: CardFacts): string[] {
  if (recipe === undefined) return []
  const { adapter, optimizer, schedule, train } = recipe
  const kept = Object.entries({ adapter, optimizer, schedule, train }).map(([key, options]) => [
    key,
    Object.fromEntries(Object.entries(options).filter(([name]) => !LOCAL.has(name))),
  ])
  return ['## Trained with\n', `\`\`\`yaml\n${stringify(Object.fromEntries(kept))}\`\`\`\n`]
}
