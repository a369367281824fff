/** @file Where training stands between two steps, and what may listen and have a say there. */
import type { StreamStart } from './batches.ts'

/** An optimizer step, once it is done. */
export interface StepDone {
  /** From 1. */
  readonly step: number
  /** From 0. */
  readonly epoch: number
  /** Steps of the whole run, as far as known. */
  readonly total: number
  /** Token mean over the step. */
  readonly loss: number
  /** Before clipping. */
  readonly gradNorm: number
  /** The rate it used. */
  readonly lr: number
  readonly tokens: number
  readonly labelTokens: number
  readonly seconds: number
}

/** All of a run that is not in the executor: with the tensors, enough to go on as if nothing had happened. */
export interface TrainState extends StreamStart {
  /** A step whose hooks have not had their say yet; they are asked before the next one. */
  readonly pending?: StepDone
  /** Training has ended: its last step is done, or a hook stopped it. */
  readonly ended: boolean
  /** What each hook asked to be kept, by its name: plain JSON. */
  readonly hooks: Readonly<Record<string, unknown>>
}

/**
 * - `go on`: a step whose loss or gradient is no number is accepted; it changed no parameter. Without it, or a roll-back, training fails there.
 * - `best`: these are the best weights so far; a checkpoint keeps them until better ones come.
 * - `stop`: training ends here, as if this had been the last step.
 * - `roll back`: parameters and optimizer return to the last checkpoint; step numbers and data go on.
 */
export type Verdict = 'go on' | 'best' | 'stop' | 'roll back'

/** Listens between two steps: evaluation, guards, early stopping. */
export interface StepHook {
  /** Names what it keeps in checkpoints. */
  readonly name: string
  /** Asked after every step, one hook after another. Nothing returned is no opinion. */
  afterStep(done: StepDone): Promise<Verdict | undefined> | Verdict | undefined
  /** What it must know after a resume, as plain JSON. */
  save?(): unknown
  load?(saved: unknown): void
}

/** Keeps what training reached. */
export interface Keeper {
  /** Called, without waiting, whenever training stands at a new point: what an interruption now should save. */
  at(state: TrainState): void
  /** Called between two steps; may save. `best`: this point's weights are the best so far. */
  between(state: TrainState, best: boolean): Promise<void>
  /** Puts parameters and optimizer of the last checkpoint back. @throws where there is none */
  rollBack(step: number): Promise<void>
}
