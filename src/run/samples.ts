/** @file What the model answers to a few fixed prompts while it learns: before the first step, every few steps, after the last. */
import type { StepHook } from '../train/state.ts'
import type { GAIN } from './engine.ts'
import type { EvaluateContext } from './evaluate.ts'
import { generatorFor } from './generator-for.ts'

export interface Samples {
  readonly hook: StepHook
  /** Asks the model as it is before anything is learned. */
  before(): Promise<void>
}

/** Undefined where the recipe wants none. Greedy, so that two steps differ by what was learned between them. */
export function openSamples({
  recipe,
  stages,
  model,
  engine,
  data,
  log,
}: EvaluateContext): Samples | undefined {
  const { samples } = recipe
  if (samples === undefined) return undefined
  const { every, prompts, max_tokens } = samples
  const ask = async (step: number, which: keyof typeof GAIN): Promise<void> => {
    const { tokenizer } = data
    const generate = generatorFor(which, engine, model, tokenizer, stages.template)
    const asked = prompts.map((prompt) => tokenizer.encode(stages.template.prompt(prompt)).ids)
    const answers = await generate(asked, { max_tokens })
    answers.forEach(({ text }, i) => {
      log.events.emit({ type: 'sample', step, prompt: prompts[i]!, text })
    })
  }
  return {
    before: () => ask(0, 'base'),
    hook: {
      name: 'samples',
      async afterStep({ step, total }) {
        if (step === total || (every !== undefined && step % every === 0)) await ask(step, 'tuned')
        return undefined
      },
    },
  }
}
