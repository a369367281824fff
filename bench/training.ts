/** @file A model folder ready to train a LoRA of rank 16 on made-up rows: what the benchmarks of steps and memory share. */
import lora from '../plugins/adapter/lora.ts'
import adamw from '../plugins/optimizer/adamw.ts'
import { OnnxExecutor } from '../src/compute/onnx/index.ts'
import { gemma3 } from '../src/nn/index.ts'
import type { OptionsSchema } from '../src/plugin/index.ts'
import { buildPrograms, feedsFor } from '../src/train/step.ts'
import { bits } from '../src/util/random.ts'

export interface Training {
  readonly compileSeconds: number
  /** One row of random tokens, all of them labelled. */
  run(length: number): Promise<void>
  update(step: number): Promise<void>
  close(): Promise<void>
}

/** What a plugin's options are where a recipe says nothing. */
function defaults({ properties }: OptionsSchema): Record<string, unknown> {
  const given = Object.entries(properties).filter(([, schema]) => 'default' in schema)
  return Object.fromEntries(given.map(([name, schema]) => [name, (schema as { default: unknown }).default]))
}

/** `settings`: options of the onnxruntime executor as words, such as { arena: 'false' }. */
export async function openTraining(
  folder: string,
  settings: Partial<Readonly<Record<'threads' | 'prepack' | 'arena', string>>>,
): Promise<Training> {
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 1, warn: () => {} }
  const model = await gemma3(folder)
  const options = { ...defaults(lora.options), rank: 16, alpha: 32, targets: 'all-linear' }
  const adapter = await lora.create(options as Parameters<typeof lora.create>[0], context as never)
  const { train } = buildPrograms(model, await adapter.plan(model))
  const executor = new OnnxExecutor({
    threads: Number(settings.threads ?? 0),
    prepack: settings.prepack === 'true',
    arena: settings.arena !== 'false',
    provider: 'cpu',
  })
  const started = performance.now()
  const compiled = await executor.compile(train)
  const compileSeconds = (performance.now() - started) / 1000
  await executor.optimizer({
    module: new URL('../plugins/optimizer/adamw.ts', import.meta.url).href,
    name: adamw.name,
    options: defaults(adamw.options),
  })
  return {
    compileSeconds,
    async run(length) {
      const grid = (of: (i: number) => number) => Int32Array.from({ length }, (_, i) => of(i))
      const feeds = {
        ids: grid((i) => bits(1, 2, i) % model.vocabSize),
        position: grid((i) => i),
        segment: grid(() => 0),
        branch: grid(() => 0),
        labelSlot: grid((i) => Math.min(i, length - 2)),
        labelId: grid((i) => bits(1, 2, i + 1) % model.vocabSize),
        labelWeight: new Float32Array(length).fill(1 / length),
        gain: Float32Array.of(1),
      }
      await compiled.run(feedsFor(train, feeds), { rows: 1, length, labels: length }, true)
    },
    async update(step) {
      await executor.update({ step, lr: 2e-4, clip: 1 })
    },
    close: () => executor.close(),
  }
}

/** `key=value` words of the command line. */
export function settingsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => word.split('=') as [string, string]))
}
