/** @file Evaluation `loss`: how surprised the model is by the held-out documents, a labelled token. */
import { createHash } from 'node:crypto'
import { definePlugin, type Encoded, InputError } from 'medtune/plugin'

export default definePlugin({
  kind: 'eval',
  name: 'loss',
  summary: 'Loss and perplexity on the held-out rows, weighted by tokens.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => ({
    needsHoldout: true,
    templated: true,
    async evaluate(subject) {
      const documents = await subject.holdout()
      if (documents.length === 0) {
        throw new InputError('eval loss: no rows are held out; set dataset.holdout to a count or a fraction')
      }
      const scores = await subject.scoreDocuments(documents)
      const items = scores.map(({ sum, tokens }, i) => ({
        id: String(i + 1),
        score: -sum,
        weight: tokens,
        detail: { document: fingerprint(documents[i]!) },
      }))
      const tokens = items.reduce((total, { weight }) => total + weight, 0)
      const loss = items.reduce((total, { score }) => total + score, 0) / tokens
      return { metric: 'loss', better: 'lower', items, extra: { perplexity: Math.exp(loss), tokens } }
    },
  }),
})

/** Tells documents apart: the same tokens with the same ones learned. Losses of others are not compared. */
function fingerprint({ ids, mask }: Encoded): string {
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)
  return createHash('sha256').update(bytes).update(mask).digest('base64url').slice(0, 12)
}
