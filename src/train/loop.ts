/**
 * @file The training loop: micro-batches run, gradients add up in the executor, the optimizer steps, hooks have
 * their say. It starts from any point that it once stood at.
 */
import type { Batch, EncodedSplit } from '../data/index.ts'
import type { Executor, RunEventBody, Schedule } from '../plugin/contract.ts'
import { type BatchOptions, FROM_THE_START, type MicroBatch, microBatches } from './batches.ts'
import type { MicroPlace } from './dropout.ts'
import type { Keeper, StepDone, StepHook, TrainState, Verdict } from './state.ts'

export interface LoopOptions extends BatchOptions {
  /** Largest global gradient norm; 0 does not clip. */
  readonly clip: number
}

export interface Loop {
  readonly executor: Pick<Executor, 'update' | 'dropGradients'>
  /** Runs a training micro-batch and adds its gradients; returns the weighted loss. */
  readonly run: (batch: Batch, place: MicroPlace) => Promise<number>
  readonly split: EncodedSplit
  readonly options: LoopOptions
  readonly seed: number
  /** Learning rate that the schedule's factor multiplies. */
  readonly lr: number
  readonly schedule: Schedule
  readonly hooks?: readonly StepHook[]
  readonly keeper?: Keeper
  /** Where to begin; the executor must hold the tensors of that point. */
  readonly from?: TrainState
  readonly emit: (event: RunEventBody) => void
  readonly onProgress?: (step: number, total: number) => void
  /** Stops between micro-batches by throwing its reason. */
  readonly signal?: AbortSignal
}

export interface Trained {
  /** One for each step done here, in order. */
  readonly records: readonly StepDone[]
  readonly state: TrainState
}

/** The loss or the gradient left the numbers, and no guard knew what to do. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError'
}

export const UNTRAINED: TrainState = { ...FROM_THE_START, ended: false, hooks: {} }

/**
 * Trains to the end. A step that was begun and not finished when something stopped the loop leaves no trace but
 * its gradient sums: resumed, it is computed again.
 */
export async function trainLoop(loop: Loop): Promise<Trained> {
  const { from = UNTRAINED, hooks = [], keeper } = loop
  for (const hook of hooks) {
    if (Object.hasOwn(from.hooks, hook.name)) hook.load?.(from.hooks[hook.name])
  }
  const records: StepDone[] = []
  let state = from
  const reach = (next: TrainState): void => {
    state = next
    keeper?.at(next)
  }
  reach(from)
  if (from.pending) reach(await settle(loop, state, from.pending))
  if (state.ended) return { records, state }
  for await (const { done, next } of optimizerSteps(loop, state)) {
    records.push(done)
    reach({ step: done.step, cursor: next, pending: done, ended: false, hooks: saved(hooks) })
    loop.onProgress?.(done.step, done.total)
    reach(await settle(loop, state, done))
    if (state.ended) break
  }
  return { records, state }
}

/** Lets the hooks have their say on a step, and the keeper save. */
async function settle(loop: Loop, { step, cursor }: TrainState, done: StepDone): Promise<TrainState> {
  const { hooks = [], keeper, signal } = loop
  const verdicts = new Set<Verdict | undefined>()
  for (const hook of hooks) {
    signal?.throwIfAborted()
    verdicts.add(await hook.afterStep(done))
  }
  if (verdicts.has('roll back')) await keeper?.rollBack(step)
  else if (!isSound(done) && !verdicts.has('go on') && !verdicts.has('stop')) throw diverged(done)
  const ended = verdicts.has('stop') || step >= done.total
  const state = { step, cursor, ended, hooks: saved(hooks) }
  await keeper?.between(state, verdicts.has('best'))
  return state
}

function saved(hooks: readonly StepHook[]): Record<string, unknown> {
  return Object.fromEntries(hooks.flatMap((hook) => (hook.save ? [[hook.name, hook.save()]] : [])))
}

/** The optimizer steps that are left, each once it is done. */
async function* optimizerSteps(
  loop: Loop,
  start: TrainState,
): AsyncGenerator<{ readonly done: StepDone; readonly next: TrainState['cursor'] }> {
  const { split, options, seed, signal } = loop
  const stream = microBatches(split, options, seed, start)
  let sum = emptySum()
  let started = performance.now()
  try {
    let coming = stream.next()
    for (;;) {
      const { value, done } = await abortable(coming, signal)
      if (done) return
      const running = loop.run(value.batch, { step: value.step, row: value.row })
      // Prepared while the executor works; a failure of either is met where it is awaited.
      coming = stream.next()
      coming.catch(() => undefined)
      sum = addBatch(sum, value.batch, await running)
      if (!value.last) continue
      yield { done: await finishStep(loop, value, sum, started), next: value.next }
      sum = emptySum()
      started = performance.now()
    }
  } finally {
    // A window that is still being tokenised would be waited for.
    const returned = stream.return()
    if (signal?.aborted) returned.catch(() => undefined)
    else await returned
  }
}

/** What `promise` comes to, unless the signal aborts before. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  const { promise: aborted, reject } = withReject()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function withReject(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse
  })
  return { promise, reject }
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

/** Lets the optimizer step and records it. A loss or gradient that is no number changes nothing in the executor. */
async function finishStep(
  { executor, options, lr, schedule, emit }: Loop,
  { step, epoch, total }: MicroBatch,
  { loss, tokens, labelTokens }: Sum,
  started: number,
): Promise<StepDone> {
  const rate = lr * schedule.at(step - 1, total, lr)
  let gradNorm = Number.NaN
  if (Number.isFinite(loss)) {
    gradNorm = (await executor.update({ step, lr: rate, clip: options.clip })).gradNorm
  } else await executor.dropGradients()
  const seconds = (performance.now() - started) / 1000
  const rest = { epoch: epoch + 1, grad_norm: gradNorm, lr: rate, label_tokens: labelTokens }
  emit({ type: 'step', step, loss, tokens, seconds, ...rest })
  return { step, epoch, total, loss, gradNorm, lr: rate, tokens, labelTokens, seconds }
}

export function isSound({ loss, gradNorm }: Pick<StepDone, 'loss' | 'gradNorm'>): boolean {
  return Number.isFinite(loss) && Number.isFinite(gradNorm)
}

function diverged({ step, loss, gradNorm, lr }: StepDone): DivergedError {
  const [what, value] = Number.isFinite(loss) ? ['gradient norm', gradNorm] : ['loss', loss]
  if (step === 1) {
    return new DivergedError(
      `the ${what} is ${value} at the first step, before anything was learned: training stopped. ` +
        "The model's own weights hold such values, or are damaged: fetch the model again.",
    )
  }
  return new DivergedError(
    `the ${what} became ${value} at step ${step}, at a learning rate of ${lr.toPrecision(3)}: training stopped. ` +
      'Try a lower optimizer.lr, a longer schedule.warmup or a smaller train.clip.',
  )
}

/**
 * Unpadded tokens a second: the median over the steps after the first third, which pay for compiling and
 * for caches still cold. NaN without steps.
 */
export function tokensPerSecond(records: readonly Pick<StepDone, 'tokens' | 'seconds'>[]): number {
  const rates = records
    .slice(Math.floor(records.length / 3))
    .map(({ tokens, seconds }) => tokens / seconds)
    .sort((a, b) => a - b)
  const middle = rates.length / 2
  if (rates.length === 0) return Number.NaN
  return rates.length % 2 === 1 ? rates[Math.floor(middle)]! : (rates[middle - 1]! + rates[middle]!) / 2
}
