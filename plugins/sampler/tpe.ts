/** @file Learns from the trials so far where good ones lie. */
import { definePlugin } from 'medtune/plugin'
import { tpe } from 'medtune/sweep'

export default definePlugin({
  kind: 'sampler',
  name: 'tpe',
  summary: 'Learns from the trials so far where good ones lie: a tree-structured Parzen estimator.',
  options: {
    type: 'object',
    properties: {
      startup: {
        type: 'integer',
        minimum: 2,
        default: 10,
        description: 'Trials before it begins to learn; they are spread evenly.',
      },
      candidates: {
        type: 'integer',
        minimum: 1,
        default: 24,
        description: 'Points drawn where good trials lie, of which the most promising is tried.',
      },
      good: {
        type: 'integer',
        minimum: 1,
        default: 25,
        description: 'The most trials that count as good, of the best tenth.',
      },
    },
    additionalProperties: false,
  },
  create: tpe,
})
