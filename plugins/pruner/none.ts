/** @file Every trial trains to its end. */
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'pruner',
  name: 'none',
  summary: 'Every trial trains to its end.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => ({ prune: () => undefined }),
})
