/**
 * @file How long training would take and how much memory, from the model's own count of its work and a quick
 * measurement of this machine. An estimate: it leaves out evaluation, compiling and what the machine does besides.
 */
import { input, linear, parameter, program, takeRows } from '../compute/index.ts'
import type { AdapterPlan, Executor, Model } from '../plugin/contract.ts'

/** Side of the probe's matrix and tokens behind it: about half a billion multiply-adds. */
const SIDE = 1024
const TOKENS = 512
/** Attention, norms, packing and memory traffic on top of the matrix products, as a factor on their time. */
const OVERHEAD = 1.5
/** The process itself with its libraries. */
const PROCESS_BYTES = 250e6
/** Labels whose logits exist at the same time, in how many copies. */
const HEAD_CHUNK = 128
const HEAD_COPIES = 3

export interface Work {
  /** Tokens and labels of all steps, without padding. */
  readonly tokens: number
  readonly labels: number
  /** Tokens of the largest micro-batch, padding included. */
  readonly batchTokens: number
}

export interface Estimate {
  readonly seconds: number
  readonly tokens_per_second: number
  readonly memory_bytes: number
  /** Multiply-adds a second that the probe reached. */
  readonly probe: number
}

/**
 * Time: the forward pass and the gradient of what lies between (2 x), plus the gradient of the weights where
 * they train (3 x). Memory: weights in f32; value, gradient twice and two moments of what trains; activations
 * of one micro-batch; the logits of a chunk of labels.
 */
export function estimateRun(model: Model, plan: AdapterPlan, work: Work, probe: number): Estimate {
  const { cost, parameters, vocabSize } = model
  const full = plan.trainable >= parameters / 2
  const passes = full ? 3 : 2
  const operations = passes * (work.tokens * (cost.body + plan.trainable) + work.labels * cost.head)
  const seconds = (OVERHEAD * operations) / probe
  return {
    seconds,
    tokens_per_second: work.tokens / seconds,
    memory_bytes:
      PROCESS_BYTES +
      4 * parameters +
      20 * plan.trainable +
      cost.activations * work.batchTokens +
      4 * HEAD_COPIES * HEAD_CHUNK * vocabSize,
    probe,
  }
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
