/** @file Watches how the loss moves: a sudden jump, and a run that ends no better than it began. */
import { isSound } from '../loop.ts'
import type { StepDone, StepHook } from '../state.ts'
import { median, noiseOf } from './median.ts'
import type { Warn } from './warn.ts'

/** Losses that a new one is compared with, and how many it takes to compare at all. */
const WINDOW = 50
const ENOUGH = 20
/** A jump lies so many standard deviations above the median, and at least so far (nats a token). */
const DEVIATIONS = 8
const AT_LEAST = 0.5
/** Losses that the beginning is taken from. */
const FIRST = 5

interface Saved {
  /** The first few losses, and the latest. */
  readonly first: readonly number[]
  readonly recent: readonly number[]
  /** Step of the jump that was told last. */
  readonly told: number
}

export function lossGuard(warn: Warn): StepHook {
  let { first, recent, told }: Saved = { first: [], recent: [], told: Number.NEGATIVE_INFINITY }
  return {
    name: 'loss',
    afterStep(done) {
      if (!isSound(done)) return undefined
      // A loss that stays high is one jump, not fifty.
      if (done.step > told + WINDOW && isSpike(done.loss, recent)) {
        told = done.step
        warn('loss-spike', spike(done, median(recent)))
      }
      if (first.length < FIRST) first = [...first, done.loss]
      recent = [...recent.slice(1 - WINDOW), done.loss]
      if (done.step === done.total) tellRise(done.total, first, recent, warn)
      return undefined
    },
    save: () => ({ first, recent, told: Number.isFinite(told) ? told : null }),
    load: (saved) => {
      const { told: step, ...rest } = saved as Omit<Saved, 'told'> & { readonly told: number | null }
      ;({ first, recent } = rest)
      told = step ?? Number.NEGATIVE_INFINITY
    },
  }
}

function isSpike(loss: number, recent: readonly number[]): boolean {
  if (recent.length < ENOUGH) return false
  return loss - median(recent) > Math.max(AT_LEAST, DEVIATIONS * noiseOf(recent))
}

function spike({ step, loss, gradNorm, lr }: StepDone, usual: number): string {
  return (
    `the loss jumped to ${loss.toPrecision(4)} at step ${step}, from a median of ${usual.toPrecision(4)} ` +
    `(gradient norm ${gradNorm.toPrecision(3)}, learning rate ${lr.toPrecision(3)}); if it stays there, try a lower optimizer.lr`
  )
}

/**
 * A destroyed model has a loss that is a number: it is only higher than at the start. The first loss is that of the
 * untouched model; a rate that is much too high shows already in the next ones.
 */
function tellRise(total: number, first: readonly number[], recent: readonly number[], warn: Warn): void {
  if (recent.length < ENOUGH) return
  const before = Math.min(first[0]!, median(first))
  const after = median(recent.slice(-Math.ceil(total / 4)))
  if (after - before <= Math.max(0.02 * before, 3 * noiseOf(recent))) return
  warn(
    'loss-rose',
    `the loss is higher at the end (median ${after.toPrecision(4)}) than at the start (${before.toPrecision(4)}): ` +
      'training made the model worse; try a lower optimizer.lr',
  )
}
