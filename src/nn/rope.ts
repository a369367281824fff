/** @file How fast each pair of a head turns with the position, in the variants that model files name. */

/** Rotary embedding of one kind of layer: positions are divided by `factor`. */
export interface Rope {
  readonly theta: number
  readonly factor: number
  /** Llama 3's scaling of the slow pairs, after the factor. */
  readonly llama3?: Llama3Scaling
}

/** Pairs whose wave is longer than the training length turn `factor` times slower, those much shorter as before. */
export interface Llama3Scaling {
  readonly factor: number
  readonly lowFactor: number
  readonly highFactor: number
  /** Positions that the model was first trained on. */
  readonly originalLength: number
}

/** Angular step per position of the headDim / 2 pairs, in f32 as the reference computes it. */
export function ropeFrequencies({ theta, factor, llama3 }: Rope, headDim: number): readonly number[] {
  return Object.freeze(
    Array.from({ length: headDim / 2 }, (_, j) => {
      const step = Math.fround(Math.fround(theta ** ((-2 * j) / headDim)) / factor)
      return llama3 ? scaleLlama3(step, llama3) : step
    }),
  )
}

function scaleLlama3(step: number, { factor, lowFactor, highFactor, originalLength }: Llama3Scaling): number {
  const f32 = Math.fround
  const wave = f32((2 * Math.PI) / step)
  const slowed = f32(step / factor)
  if (wave > originalLength / lowFactor) return slowed
  if (wave < originalLength / highFactor) return step
  const smooth = f32((originalLength / wave - lowFactor) / (highFactor - lowFactor))
  return f32(f32((1 - smooth) * slowed) + f32(smooth * step))
}
