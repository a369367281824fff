/** @file Someone asked the run to stop: no failure, and not to be swallowed as one. */

/** Reason of the `AbortSignal` that a run listens to. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}
