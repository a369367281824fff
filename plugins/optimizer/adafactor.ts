/**
 * @file Adafactor as transformers computes it, with the options that its Trainer sets (no relative step, no scaling by
 * the parameter's size). The mean square of a matrix is kept as the means of its rows and columns alone.
 */
import { definePlugin, OptionError } from 'medtune/plugin'
import { decays } from './decayed.ts'

export default definePlugin({
  kind: 'optimizer',
  name: 'adafactor',
  summary: 'Adafactor: mean squares of rows and columns instead of values, so next to no state.',
  options: {
    type: 'object',
    properties: {
      lr: { type: 'number', exclusiveMinimum: 0, default: 1e-3, description: 'Peak learning rate.' },
      eps1: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 1e-30,
        description: 'Added to squared gradients.',
      },
      eps2: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 1e-3,
        description: 'Least size of a parameter for scale_parameter.',
      },
      clip_threshold: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 1,
        description: 'Largest root mean square of an update, before the learning rate.',
      },
      decay_rate: {
        type: 'number',
        exclusiveMaximum: 0,
        default: -0.8,
        description: 'The mean square decays by 1 - step ** decay_rate.',
      },
      beta1: {
        type: 'number',
        minimum: 0,
        exclusiveMaximum: 1,
        description: 'Decay of a mean of the updates; left out, there is none.',
      },
      weight_decay: {
        type: 'number',
        minimum: 0,
        default: 0,
        description: 'Decoupled decay; biases and norms are left out.',
      },
      scale_parameter: {
        type: 'boolean',
        default: false,
        description: "Multiply the rate by the root mean square of the parameter's values.",
      },
      relative_step: {
        type: 'boolean',
        default: false,
        description: 'Take the rate from the number of the step alone: lr and schedule have no effect.',
      },
      warmup_init: {
        type: 'boolean',
        default: false,
        description: 'With relative_step, start at 1e-6 and rise by as much a step.',
      },
    },
    additionalProperties: false,
  },
  create(options) {
    if (options.warmup_init && !options.relative_step) {
      throw new OptionError('warmup_init', 'needs "relative_step: true"')
    }
    return {
      init(_name, size, shape) {
        const mean = options.beta1 === undefined ? [] : [new Float32Array(size)]
        const [rows, columns] = factored(shape, size)
        if (rows === 0) return [...mean, new Float32Array(size)]
        return [...mean, new Float32Array(rows), new Float32Array(columns)]
      },
      update(name, value, gradient, state, { step, lr }) {
        const [mean, ...squares] = options.beta1 === undefined ? [undefined, ...state] : state
        const scale = options.scale_parameter ? Math.max(options.eps2, rms(value)) : 1
        const rate = scale * (options.relative_step ? relativeRate(step, options.warmup_init) : lr)
        const decay = 1 - step ** options.decay_rate
        const update = Float64Array.from(gradient)
        if (squares.length === 2) {
          dividedByFactors(update, squares[0]!, squares[1]!, decay, options.eps1)
        } else {
          dividedBySquares(update, squares[0]!, decay, options.eps1)
        }
        const factor = rate / Math.max(1, rms(update) / options.clip_threshold)
        const keep = decays(name) ? 1 - options.weight_decay * rate : 1
        subtract(value, update, { factor, keep, mean, beta1: options.beta1 ?? 0 })
      },
    }
  },
})

/** Number of row and column means of a tensor: of each matrix in its last two dimensions. Zeros for a vector. */
function factored(shape: readonly number[], size: number): readonly [rows: number, columns: number] {
  if (shape.length < 2) return [0, 0]
  return [size / shape.at(-1)!, size / shape.at(-2)!]
}

function relativeRate(step: number, rising: boolean): number {
  return Math.min(rising ? 1e-6 * step : 1e-2, 1 / Math.sqrt(step))
}

function rms(values: Float32Array | Float64Array): number {
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!
  return Math.sqrt(squares / values.length)
}

function dividedBySquares(update: Float64Array, square: Float32Array, decay: number, eps: number): void {
  for (let i = 0; i < update.length; i++) {
    const g = update[i]!
    square[i] = decay * square[i]! + (1 - decay) * (g * g + eps)
    update[i] = g / Math.sqrt(square[i]!)
  }
}

/** The mean square of a value is taken as that of its row times that of its column, over that of its matrix. */
function dividedByFactors(
  update: Float64Array,
  row: Float32Array,
  column: Float32Array,
  decay: number,
  eps: number,
): void {
  const matrices = (row.length * column.length) / update.length
  const [rows, columns] = [row.length / matrices, column.length / matrices]
  for (let m = 0; m < matrices; m++) {
    const values = update.subarray(m * rows * columns, (m + 1) * rows * columns)
    const rowMeans = row.subarray(m * rows, (m + 1) * rows)
    const columnMeans = column.subarray(m * columns, (m + 1) * columns)
    addSquares(values, rowMeans, columnMeans, decay, eps)
    const mean = rowMeans.reduce((total, r) => total + r, 0) / rows
    for (let i = 0; i < values.length; i++) {
      const r = rowMeans[Math.floor(i / columns)]!
      values[i] = values[i]! / Math.sqrt((r / mean) * columnMeans[i % columns]!)
    }
  }
}

function addSquares(
  values: Float64Array,
  rowMeans: Float32Array,
  columnMeans: Float32Array,
  decay: number,
  eps: number,
): void {
  const [rows, columns] = [rowMeans.length, columnMeans.length]
  const rowSums = new Float64Array(rows)
  const columnSums = new Float64Array(columns)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const g = values[r * columns + c]!
      rowSums[r]! += g * g + eps
      columnSums[c]! += g * g + eps
    }
  }
  for (let r = 0; r < rows; r++) rowMeans[r] = decay * rowMeans[r]! + ((1 - decay) * rowSums[r]!) / columns
  for (let c = 0; c < columns; c++)
    columnMeans[c] = decay * columnMeans[c]! + ((1 - decay) * columnSums[c]!) / rows
}

interface Step {
  readonly factor: number
  readonly keep: number
  readonly mean: Float32Array | undefined
  readonly beta1: number
}

function subtract(value: Float32Array, update: Float64Array, { factor, keep, mean, beta1 }: Step): void {
  for (let i = 0; i < value.length; i++) {
    let change = update[i]! * factor
    if (mean) {
      mean[i] = beta1 * mean[i]! + (1 - beta1) * change
      change = mean[i]!
    }
    value[i] = value[i]! * keep - change
  }
}
