/** @file The weights of a model folder: one safetensors file, or shards and their index. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { WeightSlice } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { inOneFolder } from './one-folder.ts'
import { readSafetensors } from './safetensors.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

export interface Checkpoint {
  /** The file that a reader would look at: the only one, or the index of the shards. */
  readonly file: string
  readonly tensors: ReadonlyMap<string, WeightSlice>
  /** Tensors of types that are no weights to us (integers, 8-bit floats), with the type. */
  readonly others: ReadonlyMap<string, string>
}

/** @throws InputError if the folder has no safetensors weights, or damaged ones */
export function openCheckpoint(folder: string): Checkpoint {
  const single = join(folder, SINGLE)
  if (existsSync(single)) {
    const { file, tensors, others } = readSafetensors(single)
    return { file, tensors, others }
  }
  const index = join(folder, INDEX)
  if (existsSync(index)) return openShards(folder, index)
  const pickle = existsSync(join(folder, 'pytorch_model.bin'))
  throw new InputError(
    pickle
      ? `${folder}: holds pytorch_model.bin only, a pickle, which can run code when read; get the model as ${SINGLE}`
      : `${folder}: neither ${SINGLE} nor ${INDEX}; is this the folder of a downloaded model?`,
  )
}

function openShards(folder: string, index: string): Checkpoint {
  const map = readWeightMap(index)
  const names = [...new Set(map.values())]
  const files = inOneFolder(names.map((name) => readSafetensors(join(folder, name)).file))
  const shards = new Map(names.map((name, i) => [name, readSafetensors(files[i]!)]))
  const tensors = new Map<string, WeightSlice>()
  const others = new Map<string, string>()
  for (const [tensor, shard] of map) {
    const file = shards.get(shard)!
    const slice = file.tensors.get(tensor)
    const other = file.others.get(tensor)
    if (slice) tensors.set(tensor, slice)
    else if (other) others.set(tensor, other)
    else
      throw new InputError(
        `${index}: says that "${tensor}" is in ${shard}, which has no such tensor; download both again`,
      )
  }
  return { file: index, tensors, others }
}

function readWeightMap(index: string): Map<string, string> {
  const fail = (found: string): never => {
    throw new InputError(`${index}: ${found}; download it again`)
  }
  let json: unknown
  try {
    json = JSON.parse(readFileSync(index, 'utf8'))
  } catch (error) {
    return fail(`not JSON (${(error as Error).message})`)
  }
  const weightMap = (json as { weight_map?: unknown } | null)?.weight_map
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    return fail('no "weight_map" that says which file holds which tensor')
  }
  const map = new Map<string, string>()
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (!isShardName(shard))
      fail(`"${tensor}" should be in ${JSON.stringify(shard)}, which is not a plain .safetensors file name`)
    map.set(tensor, shard)
  }
  return map
}

/** A bare name in the model's own folder. The index may come from a stranger: `../` must not lead out of it. */
function isShardName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    /^[A-Za-z0-9_][\w.-]{0,250}\.safetensors$/.test(name) &&
    basename(name) === name
  )
}
