/** @file Parameters that do not change although steps were taken: an optimizer or an adapter that is not connected. */
import { createHash } from 'node:crypto'
import type { Executor } from '../../plugin/contract.ts'
import { isSound } from '../loop.ts'
import type { StepHook } from '../state.ts'
import type { Warn } from './warn.ts'

/** Steps with a rate of at least a tenth of the peak, after which something must have changed. */
const STEPS = 3
const RATE = 0.1
/** Values that are looked at: all of an adapter, the smallest tensors of a whole model. */
const VALUES = 8_000_000

interface Saved {
  /** Hash of the parameters after the first step; null once this guard has had its say. */
  readonly hash: string | null
  readonly steps: number
}

/** @param lr peak of the learning rate */
export function unchangedGuard(
  executor: Pick<Executor, 'trained' | 'read'>,
  lr: number,
  warn: Warn,
): StepHook {
  let { hash, steps }: Saved = { hash: '', steps: 0 }
  return {
    name: 'unchanged',
    async afterStep(done) {
      if (hash === null) return undefined
      if (hash === '') hash = await hashParameters(executor)
      else if (isSound(done) && done.lr >= RATE * lr) steps++
      if (steps < STEPS && done.step < done.total) return undefined
      if (steps > 0 && (await hashParameters(executor)) === hash) {
        warn(
          'unchanged',
          `no parameter changed in ${steps} step${steps === 1 ? '' : 's'} up to step ${done.step}, at a learning rate of ` +
            `${done.lr.toPrecision(3)}: nothing is learned; look at optimizer and adapter`,
        )
      }
      hash = null
      return undefined
    },
    save: (): Saved => ({ hash, steps }),
    load: (saved) => {
      ;({ hash, steps } = saved as Saved)
    },
  }
}

async function hashParameters(executor: Pick<Executor, 'trained' | 'read'>): Promise<string> {
  const hash = createHash('sha256')
  let values = 0
  for (const { name, shape } of [...(await executor.trained())].sort(
    (a, b) => sizeOf(a.shape) - sizeOf(b.shape),
  )) {
    values += sizeOf(shape)
    if (values > VALUES && values > sizeOf(shape)) break
    const { buffer, byteOffset, byteLength } = await executor.read(name)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex')
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1)
