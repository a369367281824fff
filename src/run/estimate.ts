/**
 * @file How long training would take and how much memory, from the model's own count of its work and a quick
 * measurement of this machine. An estimate: it leaves out evaluation, compiling and what the machine does besides.
 */
import { input, linear, parameter, program, takeRows } from '../compute/index.ts'
import type { AdapterPlan, Executor, Model } from '../plugin/contract.ts'
import type { MemoryChoice } from '../track/provenance.ts'

/** Side of the probe's matrix and tokens behind it: about half a billion multiply-adds. */
const SIDE = 1024
const TOKENS = 512
/** Attention, norms, packing and memory traffic on top of the matrix products, as a factor on their time. */
const OVERHEAD = 1.5
export interface Work {
  /** Tokens and labels of all steps, without padding. */
  readonly tokens: number
  readonly labels: number
}

export interface Estimate {
  readonly seconds: number
  readonly tokens_per_second: number
  /** Of the whole process at most; NaN where the executor cannot tell. */
  readonly memory_bytes: number
  /** Multiply-adds a second that the probe reached. */
  readonly probe: number
}

/**
 * The forward pass and the gradient of what lies between (2 x); once more with recompute, but for the head; and the
 * gradient of the weights where they train.
 */
export function estimateRun(
  model: Model,
  plan: AdapterPlan,
  work: Work,
  { recompute, expected = Number.NaN }: MemoryChoice,
  probe: number,
): Estimate {
  const { cost, parameters } = model
  const passes = plan.trainable >= parameters / 2 ? 3 : 2
  const body = work.tokens * (cost.body + plan.trainable)
  const operations = (passes + (recompute ? 1 : 0)) * body + passes * work.labels * cost.head
  const seconds = (OVERHEAD * operations) / probe
  return { seconds, tokens_per_second: work.tokens / seconds, memory_bytes: expected, probe }
}

/** Multiply-adds a second of a matrix product on this executor: the best of a few runs. */
export async function measureSpeed(executor: Executor): Promise<number> {
  const x = input('x', 'f32', ['rows', 'length', SIDE])
  const spec = { name: 'probe', shape: [SIDE, SIDE], init: { kind: 'zeros' } } as const
  const y = takeRows(linear(x, parameter(spec)), input('slot', 'i32', ['labels']))
  const compiled = await executor.compile(program({ name: 'probe', outputs: { y } }))
  const feeds = { x: new Float32Array(TOKENS * SIDE).fill(0.5), slot: new Int32Array(1) }
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 5; run++) {
    const start = performance.now()
    await compiled.run(feeds, { rows: 1, length: TOKENS, labels: 1 }, false)
    best = Math.min(best, performance.now() - start)
  }
  return (TOKENS * SIDE * SIDE) / (best / 1000)
}
