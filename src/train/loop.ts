/** @file The training loop: micro-batches run, gradients add up in the executor, the optimizer steps. */
import type { Batch, EncodedSplit } from '../data/index.ts'
import type { Executor, RunEventBody, Schedule } from '../plugin/contract.ts'
import { type BatchOptions, type MicroBatch, microBatches } from './batches.ts'
import type { MicroPlace } from './dropout.ts'

export interface LoopOptions extends BatchOptions {
  /** Largest global gradient norm; 0 does not clip. */
  readonly clip: number
  /** Optimizer steps between holdout losses. */
  readonly eval_every?: number
}

export interface Loop {
  readonly executor: Pick<Executor, 'update'>
  /** Runs a training micro-batch and adds its gradients; returns the weighted loss. */
  readonly run: (batch: Batch, place: MicroPlace) => Promise<number>
  readonly split: EncodedSplit
  readonly options: LoopOptions
  readonly seed: number
  /** Learning rate that the schedule's factor multiplies. */
  readonly lr: number
  readonly schedule: Schedule
  /** Token mean of the loss over the held-out documents, asked every `eval_every` steps and after the last. */
  readonly holdoutLoss?: () => Promise<number>
  readonly emit: (event: RunEventBody) => void
  readonly onProgress?: (step: number, total: number) => void
  /** Stops between micro-batches by throwing its reason. */
  readonly signal?: AbortSignal
}

export interface StepRecord {
  readonly loss: number
  readonly tokens: number
  readonly seconds: number
}

/** The loss or the gradient left the numbers; what the last optimizer step made of the parameters is of no use. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError'
}

/** Trains to the end; one record for each optimizer step. */
export async function trainLoop(loop: Loop): Promise<readonly StepRecord[]> {
  const { split, options, seed, signal, onProgress } = loop
  const records: StepRecord[] = []
  const stream = microBatches(split, options, seed)
  let sum = emptySum()
  let micro = 0
  let started = performance.now()
  try {
    let next = stream.next()
    for (;;) {
      const { value, done } = await next
      if (done) break
      signal?.throwIfAborted()
      const running = loop.run(value.batch, { step: value.step, micro })
      // Prepared while the executor works; a failure of either is met where it is awaited.
      next = stream.next()
      next.catch(() => undefined)
      sum = addBatch(sum, value.batch, await running)
      micro = value.last ? 0 : micro + 1
      if (!value.last) continue
      const seconds = (): number => (performance.now() - started) / 1000
      records.push(await finishStep(loop, value, sum, seconds))
      sum = emptySum()
      onProgress?.(value.step, value.total)
      await reportHoldout(loop, value)
      started = performance.now()
    }
  } finally {
    await stream.return()
  }
  return records
}

interface Sum {
  readonly loss: number
  readonly tokens: number
  readonly labelTokens: number
}

const emptySum = (): Sum => ({ loss: 0, tokens: 0, labelTokens: 0 })

function addBatch(sum: Sum, { tokens, labelTokens }: Batch, loss: number): Sum {
  return {
    loss: sum.loss + loss,
    tokens: sum.tokens + tokens,
    labelTokens: sum.labelTokens + labelTokens,
  }
}

/** Lets the optimizer step, records it, and stops the run where numbers have run away. */
async function finishStep(
  { executor, options, lr, schedule, emit }: Loop,
  { step, epoch, total }: MicroBatch,
  { loss, tokens, labelTokens }: Sum,
  seconds: () => number,
): Promise<StepRecord> {
  const rate = lr * schedule.at(step - 1, total, lr)
  const { gradNorm } = Number.isFinite(loss)
    ? await executor.update({ step, lr: rate, clip: options.clip })
    : { gradNorm: Number.NaN }
  const record = { loss, tokens, seconds: seconds() }
  const rest = { epoch: epoch + 1, grad_norm: gradNorm, lr: rate, label_tokens: labelTokens }
  emit({ type: 'step', step, ...record, ...rest })
  if (!Number.isFinite(loss)) throw new DivergedError(advice('loss', loss, step, rate))
  if (!Number.isFinite(gradNorm)) throw new DivergedError(advice('gradient norm', gradNorm, step, rate))
  return record
}

function advice(what: string, value: number, step: number, rate: number): string {
  if (step === 1) {
    return (
      `the ${what} is ${value} at the first step, before anything was learned: training stopped. ` +
      "The model's own weights hold such values, or are damaged: fetch the model again."
    )
  }
  return (
    `the ${what} became ${value} at step ${step}, at a learning rate of ${rate.toPrecision(3)}: training stopped. ` +
    'Try a lower optimizer.lr, a longer schedule.warmup or a smaller train.clip.'
  )
}

async function reportHoldout(
  { options, holdoutLoss, emit }: Loop,
  { step, total }: MicroBatch,
): Promise<void> {
  const every = options.eval_every
  if (every === undefined || holdoutLoss === undefined) return
  if (step % every === 0 || step === total) {
    emit({ type: 'eval', step, name: 'holdout', scores: { loss: await holdoutLoss() } })
  }
}

/**
 * Unpadded tokens a second: the median over the steps after the first third, which pay for compiling and
 * for caches still cold. NaN without steps.
 */
export function tokensPerSecond(records: readonly StepRecord[]): number {
  const rates = records
    .slice(Math.floor(records.length / 3))
    .map(({ tokens, seconds }) => tokens / seconds)
    .sort((a, b) => a - b)
  const middle = rates.length / 2
  if (rates.length === 0) return Number.NaN
  return rates.length % 2 === 1 ? rates[Math.floor(middle)]! : (rates[middle - 1]! + rates[middle]!) / 2
}
