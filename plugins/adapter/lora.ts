/** @file LoRA: a low-rank branch beside chosen projections, while the model's own weights stay as they are. */
import { existsSync } from 'node:fs'
import type { LoraSettings, LoraTarget } from 'medtune/nn'
import {
  type Adapter,
  type AdapterPlan,
  definePlugin,
  type Model,
  OptionError,
  type Options,
} from 'medtune/plugin'
import { OPTIONS } from './lora-options.ts'

type LoraOptions = Options<typeof OPTIONS>

export default definePlugin({
  kind: 'adapter',
  name: 'lora',
  summary: 'Low-rank adapters on linear projections, in the file format of PEFT.',
  options: OPTIONS,
  async create(options, { seed, resolvePath }): Promise<Adapter> {
    const { dropout = 0, from } = options
    const { loraAttachment, loraTraining, openPeftAdapter } = await import('medtune/nn')
    const folder = from === undefined ? undefined : resolvePath(from)
    const choose =
      folder === undefined ? await fromRecipe(options, seed) : await fromFolder(options, folder, seed)
    const planOf = (model: Model, { targets, settings }: Chosen): AdapterPlan => ({
      trainable: targets.reduce((total, target) => total + trainable(target), 0),
      targets: targets.map(({ name }) => name),
      attachment: loraAttachment(targets),
      ...(dropout > 0 ? { training: loraTraining(targets, dropout) } : {}),
      async write(path, read) {
        const { writePeftAdapter } = await import('medtune/export')
        await writePeftAdapter(path, model, targets, settings, read)
      },
    })
    return {
      ...(folder === undefined ? {} : { from: folder }),
      plan: (model) => planOf(model, choose(model)),
      open(path, model) {
        const { config, targets } = openPeftAdapter(path, model)
        return planOf(model, { targets, settings: { ...config, seed } })
      },
    }
  },
})

interface Chosen {
  readonly targets: readonly LoraTarget[]
  readonly settings: LoraSettings
}
type Choose = (model: Model) => Chosen

/** A new adapter, as the recipe describes it. */
async function fromRecipe(options: LoraOptions, seed: number): Promise<Choose> {
  const { loraTargets, matchTargets } = await import('medtune/nn')
  const { rank = 16, alpha = 32, targets = 'all-linear', ...others } = options
  const settings = { ...others, rank, alpha, seed }
  return (model) => {
    const sites = matchTargets(targets, model.sites, options)
    return { targets: loraTargets(sites, settings, { weights: model.weights }), settings }
  }
}

/** An adapter that was trained before. The recipe may repeat what its file says, and nothing else. */
async function fromFolder(options: LoraOptions, folder: string, seed: number): Promise<Choose> {
  const { matchTargets, openPeftAdapter } = await import('medtune/nn')
  if (!existsSync(folder)) throw new OptionError('from', `there is no folder ${folder}`)
  for (const key of OF_THE_FILE) {
    if (options[key] !== undefined)
      throw new OptionError(key, 'is decided by the adapter that `from` names; leave it out')
  }
  return (model) => {
    const { config, targets } = openPeftAdapter(folder, model, { lora_plus: options.lora_plus })
    for (const key of ['rank', 'alpha', 'rslora', 'dora'] as const) {
      if (options[key] !== undefined && options[key] !== config[key])
        throw new OptionError(
          key,
          `is ${options[key]}, and the adapter that \`from\` names has ${config[key]}; leave it out`,
        )
    }
    if (options.targets !== undefined) {
      const named = matchTargets(options.targets, model.sites).map(({ name }) => name)
      if (named.join() !== targets.map(({ name }) => name).join())
        throw new OptionError('targets', 'are not those of the adapter that `from` names; leave them out')
    }
    return { targets, settings: { ...config, dropout: options.dropout, seed } }
  }
}

/** Options that a new adapter alone can have. */
const OF_THE_FILE = [
  'exclude',
  'layers_to_transform',
  'layers_pattern',
  'rank_pattern',
  'alpha_pattern',
  'init',
] as const

function trainable({ a, b, magnitude }: LoraTarget): number {
  const sizes = [a, b, ...(magnitude ? [magnitude] : [])].map(({ shape }) => shape.reduce((x, y) => x * y, 1))
  return sizes.reduce((total, size) => total + size, 0)
}
