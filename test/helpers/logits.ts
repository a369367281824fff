/** @file Runs a whole model in onnxruntime for its logits. */
import { input, linear, program, takeRows } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { frozen } from '../../src/nn/index.ts'
import type { Model } from '../../src/plugin/contract.ts'

export interface Logits {
  /** Logits [positions, vocabulary] behind each of the positions of the text. */
  at(ids: readonly number[], positions: readonly number[]): Promise<Float32Array>
  close(): Promise<void>
}

export async function openLogits(model: Model, threads = 2): Promise<Logits> {
  const executor = new OnnxExecutor({ threads, prepack: false, arena: false, provider: 'cpu' })
  const grid = (name: string) => input(name, 'i32', ['rows', 'length'])
  const [ids, position, segment, branch] = [grid('ids'), grid('position'), grid('segment'), grid('branch')]
  const gain = input('gain', 'f32', [])
  const { hidden, head } = model.build({ ids, position, segment, branch, gain }, frozen)
  const logits = linear(takeRows(hidden, input('slots', 'i32', ['labels'])), head)
  const { run } = await executor.compile(program({ name: 'logits', outputs: { logits } }))
  return {
    async at(text, positions) {
      const length = text.length
      const feeds = {
        ids: Int32Array.from(text),
        position: Int32Array.from(text, (_, t) => t),
        segment: new Int32Array(length),
        branch: new Int32Array(length),
        slots: Int32Array.from(positions),
      }
      return (await run(feeds, { rows: 1, length, labels: positions.length }, false)).logits!
    },
    close: () => executor.close(),
  }
}
