/** @file `medtune plan`: what a run would do, for a reader or as JSON. */
import type { Plan, Sample } from '../plan.ts'
import { loadRecipe } from '../recipe/recipe.ts'
import { stringify } from '../track/json.ts'
import { colorsFor } from './colors.ts'
import { bytes, count, duration } from './format.ts'
import { refuseSweep } from './refuse-sweep.ts'
import { openStatus } from './status.ts'

const BAR = 40

export async function plan(
  target: string,
  overrides: string[],
  { json }: { json?: boolean },
): Promise<number> {
  refuseSweep(target)
  const resolved = await loadRecipe(target, overrides)
  const status = openStatus(resolved.recipe.name)
  status.say('counting tokens and measuring this machine ...')
  const planned = await import('../plan.ts')
    .then((engine) => engine.plan(resolved, { onProgress: (progress) => status.onProgress(progress) }))
    .finally(() => status.close())
  process.stdout.write(json ? `${stringify(planned, 2)}\n` : await describe(planned))
  return 0
}

async function describe(planned: Plan): Promise<string> {
  const colors = colorsFor(process.stdout)
  const title = (text: string): string => `\n${colors.bold(text)}\n`
  const yaml = await import('yaml')
  return [
    `${colors.bold(planned.name)}  hash ${planned.hash.slice(0, 8)}\n`,
    title('Recipe, with its defaults'),
    yaml.stringify(planned.recipe, { lineWidth: 100, aliasDuplicateObjects: false }),
    title('Model'),
    modelText(planned),
    title('Rows'),
    formText(planned),
    censusText(planned),
    title('First rows; [[what is learned stands in double brackets]]'),
    planned.samples.map((sample, i) => sampleText(sample, i, colors.green)).join('\n'),
    title('Training'),
    trainingText(planned),
    ...planned.warnings.map(({ message }) => `${colors.yellow('warning')}: ${message}\n`),
  ].join('')
}

function modelText({ model, adapter }: Plan): string {
  const share = ((100 * adapter.trainable) / model.parameters).toFixed(2)
  return [
    `${model.folder}: ${count(model.parameters)} parameters`,
    `${count(adapter.trainable)} trainable (${share} %) at ${count(adapter.targets.length)} places\n`,
  ].join('\n')
}

function formText({ form }: Plan): string {
  return form === undefined || form === 'columns' ? '' : `read as: ${form}\n`
}

function censusText({ census }: Plan): string {
  const lines = Object.entries(census).flatMap(([split, part]) => {
    const most = Math.max(...part.histogram.map(({ rows }) => rows))
    const { rows, documents, tokens, labelTokens, truncated, dropped, unlabelled, longest } = part
    return [
      `${split}: ${count(rows)} rows, ${count(documents)} used, ${count(tokens)} tokens, ${count(labelTokens)} of them learned, longest row ${count(longest)}`,
      `  cut ${count(truncated)}, left out as too long ${count(dropped)}, nothing to learn ${count(unlabelled)}`,
      ...part.histogram.map(
        ({ upTo, rows: n }) =>
          `  up to ${count(upTo).padStart(6)} tokens ${count(n).padStart(7)} ${'#'.repeat(Math.ceil((BAR * n) / most))}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}

const FATES: Readonly<Record<Sample['fate'], string>> = {
  kept: '',
  truncated: ', cut to train.max_length',
  dropped: ', left out: longer than train.max_length',
  unlabelled: ', left out: nothing to learn within train.max_length',
}

function sampleText(
  { tokens, labels, fate, runs }: Sample,
  index: number,
  paint: (t: string) => string,
): string {
  const text = runs.map((part) => (part.train ? paint(`[[${part.text}]]`) : part.text)).join('')
  return `row ${index + 1}: ${count(tokens)} tokens, ${count(labels)} learned${FATES[fate]}\n${text.replace(/^/gm, '  | ')}\n`
}

function trainingText({ steps, epochs, rows, estimate, recipe, memory }: Plan): string {
  const { batch_size, accumulate, pack } = recipe.train
  const whole = memory.batch_size === batch_size
  const cut = whole
    ? `of ${count(batch_size)} rows`
    : `of ${count(batch_size)} rows, ${count(memory.batch_size)} at a time`
  return [
    `${count(steps)} optimizer steps, ${count(epochs)} epochs of ${count(rows)} ${pack ? 'packed rows' : 'rows'}, ${count(batch_size * accumulate)} rows a step`,
    `estimated: ${duration(estimate.seconds)} of training at ${count(estimate.tokens_per_second)} tokens/s`,
    `memory: ${bytes(estimate.memory_bytes)} expected, ${bytes(memory.budget)} at hand; batches ${cut}; activations ${memory.recompute ? 'computed again' : 'kept'}`,
    `(from a measured ${count(estimate.probe / 1e9)} billion multiply-adds a second; a guide, not a promise; evaluation comes on top)\n`,
  ].join('\n')
}
