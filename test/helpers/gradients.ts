/** @file Everything that a training step computes, gradients included, in onnxruntime. */
import { type Executor, program } from '../../src/compute/index.ts'
import type { Batch } from '../../src/data/index.ts'
import type { AdapterPlan, Model } from '../../src/plugin/contract.ts'
import { dropoutFeeds } from '../../src/train/dropout.ts'
import { buildPrograms, feedsFor, type ProgramOptions } from '../../src/train/step.ts'
import { uniform } from '../../src/util/random.ts'

export type Results = Readonly<Record<string, Float32Array>>

/** Computes a micro-batch: `loss`, `logProb`, and `d <name>` for each parameter. */
export type Compute = (batch: Batch, row?: number) => Promise<Results>

/** A and B of a LoRA start at random values, so that no gradient is zero for want of a start. */
export async function openGradients(
  executor: Executor,
  model: Model,
  plan: AdapterPlan,
  options: ProgramOptions = { recompute: false },
): Promise<Compute> {
  const { train } = buildPrograms(model, plan, options)
  const gradients = train.parameters.flatMap(({ name, gradient }) =>
    gradient ? [[`d ${name}`, gradient] as const] : [],
  )
  const outputs = Object.fromEntries([...train.outputs.map(({ name, value }) => [name, value]), ...gradients])
  const compiled = await executor.compile(program({ name: 'all', outputs }))
  for (const [stream, { name, shape }] of train.parameters.entries()) {
    if (!/lora_[AB]/.test(name)) continue
    const size = shape.reduce((a, b) => a * b, 1)
    const values = Float32Array.from({ length: size }, (_, i) => uniform(5, stream, i) - 0.5)
    await executor.write(name, values)
  }
  return (batch, row = 0) => {
    const { ids, position, segment, branch, labelSlot, labelId, labelWeight, rows, length, labels } = batch
    const feeds = {
      ids,
      position,
      segment,
      branch,
      labelSlot,
      labelId,
      labelWeight,
      gain: Float32Array.of(1),
      ...dropoutFeeds(plan, 1, batch, { step: 1, row }),
    }
    return compiled.run(feedsFor(train, feeds), { rows, length, labels }, false)
  }
}
