/** @file LoRA: a low-rank branch beside chosen projections, while the model's own weights stay as they are. */
import { type Adapter, definePlugin, type LinearSite, OptionError } from 'medtune/plugin'

export default definePlugin({
  kind: 'adapter',
  name: 'lora',
  summary: 'Low-rank adapters on linear projections, in the file format of PEFT.',
  options: {
    type: 'object',
    properties: {
      rank: { type: 'integer', minimum: 1, default: 16, description: 'Width of the low-rank branch.' },
      alpha: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 32,
        description: 'The branch is scaled by alpha / rank.',
      },
      targets: {
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 } },
        ],
        default: 'all-linear',
        description:
          'Projections to adapt: all-linear, a list of names (q_proj, mlp.up_proj), or a regular expression over whole module names.',
      },
      dropout: {
        type: 'number',
        minimum: 0,
        exclusiveMaximum: 1,
        default: 0,
        description: 'Dropout before the branch; only 0 for now.',
      },
    },
    additionalProperties: false,
  },
  async create({ rank, alpha, targets, dropout }, { seed }): Promise<Adapter> {
    if (dropout !== 0) {
      throw new OptionError(
        'dropout',
        `is ${dropout}; this version trains without adapter dropout: leave it out or set 0`,
      )
    }
    const { loraAttachment, matchTargets } = await import('medtune/nn')
    return {
      plan(model) {
        const chosen = matchTargets(targets, model.sites)
        refuseWideRank(rank, chosen)
        const options = { rank, alpha, seed }
        return {
          trainable: chosen.reduce((total, site) => total + rank * (site.inFeatures + site.outFeatures), 0),
          targets: chosen.map(({ name }) => name),
          attachment: loraAttachment(chosen, options),
          async write(folder, read) {
            const { writePeftAdapter } = await import('medtune/export')
            await writePeftAdapter(folder, model, chosen, options, read)
          },
        }
      },
    }
  },
})

/** A branch wider than its projection is no longer low-rank: it costs more than training the projection itself. */
function refuseWideRank(rank: number, targets: readonly LinearSite[]): void {
  for (const { name, inFeatures, outFeatures } of targets) {
    const limit = Math.min(inFeatures, outFeatures)
    if (rank > limit) {
      throw new OptionError(
        'rank',
        `${rank} is more than ${name} allows, which is ${outFeatures} x ${inFeatures}: at most ${limit}`,
      )
    }
  }
}
