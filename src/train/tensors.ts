/** @file Every trained tensor and the optimizer's state, bit for bit, in two safetensors files of a checkpoint. */
import { join } from 'node:path'
import { readSafetensors, readTensor, type TensorData, writeSafetensors } from '../nn/index.ts'
import type { Executor, WeightSlice } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'

const PARAMETERS = 'parameters.safetensors'
const OPTIMIZER = 'optimizer.safetensors'

type Holder = Pick<Executor, 'trained' | 'read' | 'write' | 'readState' | 'writeState'>

/** A tensor of a checkpoint, and how it leaves and enters an executor. */
interface Place {
  readonly name: string
  readonly shape: readonly number[]
  read(): Promise<Float32Array>
  write(values: Float32Array): Promise<void>
}

/** Writes into a folder; one tensor is in memory at a time. */
export async function saveTensors(folder: string, executor: Holder): Promise<void> {
  const { parameters, state } = await placesIn(executor)
  await writeSafetensors(join(folder, PARAMETERS), parameters.map(tensorOf))
  await writeSafetensors(join(folder, OPTIMIZER), state.map(tensorOf))
}

/** @throws InputError where the folder holds other tensors than the executor trains; nothing is changed then */
export async function loadTensors(folder: string, executor: Holder): Promise<void> {
  const { parameters, state } = await placesIn(executor)
  const pairs = [...matched(join(folder, PARAMETERS), parameters), ...matched(join(folder, OPTIMIZER), state)]
  for (const [place, slice] of pairs) await place.write(await readTensor(slice))
}

async function placesIn(
  executor: Holder,
): Promise<{ readonly parameters: readonly Place[]; readonly state: readonly Place[] }> {
  const trained = await executor.trained()
  const parameters = trained.map(({ name, shape }) => ({
    name,
    shape,
    read: () => executor.read(name),
    write: (values: Float32Array) => executor.write(name, values),
  }))
  const state = trained.flatMap(({ name, state: sizes }) =>
    sizes.map((size, index) => ({
      name: `${name}#${index}`,
      shape: [size],
      read: () => executor.readState(name, index),
      write: (values: Float32Array) => executor.writeState(name, index, values),
    })),
  )
  return { parameters, state: state.filter(({ shape }) => shape[0] !== 0) }
}

function tensorOf({ name, shape, read }: Place): TensorData {
  return { name, dtype: 'f32', shape, data: read }
}

/** Each place with the tensor that belongs there. */
function matched(path: string, places: readonly Place[]): readonly (readonly [Place, WeightSlice])[] {
  const { tensors } = readSafetensors(path)
  const wanted = new Set(places.map(({ name }) => name))
  const extra = [...tensors.keys()].find((name) => !wanted.has(name))
  if (extra !== undefined) throw new InputError(`${path}: holds "${extra}", which this run does not train`)
  return places.map((place) => {
    const slice = tensors.get(place.name)
    if (slice?.dtype === 'f32' && slice.shape.join() === place.shape.join()) return [place, slice] as const
    const found = slice === undefined ? 'is missing' : `is ${slice.dtype} [${slice.shape.join(', ')}]`
    throw new InputError(
      `${path}: "${place.name}" ${found}, where this run trains f32 [${place.shape.join(', ')}]`,
    )
  })
}
