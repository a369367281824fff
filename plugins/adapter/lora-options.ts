/** @file The options of the LoRA adapter. None has a default here: with `from`, what is left out comes from a file. */

export const OPTIONS = {
  type: 'object',
  properties: {
    rank: { type: 'integer', minimum: 1, description: 'Width of the low-rank branch; 16 if left out.' },
    alpha: {
      type: 'number',
      exclusiveMinimum: 0,
      description: 'The branch is scaled by alpha / rank; 32 if left out.',
    },
    targets: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 } },
      ],
      description:
        'Projections to adapt: all-linear (if left out), a list of names (q_proj, mlp.up_proj), or a regular expression over whole module names.',
    },
    exclude: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 } },
      ],
      description: 'Projections to leave out: a list of names, or a regular expression over whole names.',
    },
    layers_to_transform: {
      anyOf: [
        { type: 'integer', minimum: 0 },
        { type: 'array', items: { type: 'integer', minimum: 0 } },
      ],
      description: 'Numbers of the layers to adapt; goes with targets as a list.',
    },
    layers_pattern: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 } },
      ],
      description: 'Name of the list of layers, where it is not the first numbered one.',
    },
    rank_pattern: {
      type: 'object',
      additionalProperties: { type: 'integer', minimum: 1 },
      description: 'Ranks of their own: the end of a module name (or an expression for it) and the rank.',
    },
    alpha_pattern: {
      type: 'object',
      additionalProperties: { type: 'number', exclusiveMinimum: 0 },
      description: 'Alphas of their own, in the same way.',
    },
    rslora: {
      type: 'boolean',
      description: 'Scale by alpha / sqrt(rank), so that a higher rank does not weaken the branch.',
    },
    dora: {
      type: 'boolean',
      description:
        'Train the size of each output apart from its direction (DoRA): slower, better at low rank.',
    },
    from: {
      type: 'string',
      minLength: 1,
      description:
        'Folder of an adapter to start from, in the format of PEFT; rank, alpha, targets and variants come from its file.',
    },
    init: {
      type: 'string',
      enum: ['kaiming', 'gaussian', 'olora', 'pissa'],
      description:
        'How the branch starts: A uniform (kaiming, if left out) or normal (gaussian), as PEFT draws it from the same seed, and B zero; or both as factors of the weights: of their QR (olora), or of their largest singular values (pissa, worked out once for a model).',
    },
    lora_plus: {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        "Learning rate of B (and of DoRA's magnitude) as a multiple of optimizer.lr, which stays that of A (LoRA+); 16 is usual.",
    },
    dropout: {
      type: 'number',
      minimum: 0,
      exclusiveMaximum: 1,
      description:
        'Share of the inputs that the branch does not see while it trains, drawn anew each step; 0 if left out.',
    },
  },
  additionalProperties: false,
} as const
