/** @file Random numbers one after another, for what needs an unknown number of them. */
import { normal, streamOf, uniform } from '../../util/random.ts'

export class Draws {
  private readonly seed: number
  private readonly stream: number
  private index = 0

  constructor(seed: number, name: string) {
    this.seed = seed
    this.stream = streamOf(name)
  }

  /** Uniform in [0, 1). */
  next(): number {
    return uniform(this.seed, this.stream, this.index++)
  }

  /** Standard normal. */
  normal(): number {
    return normal(this.seed, this.stream + 1, this.index++)
  }
}
