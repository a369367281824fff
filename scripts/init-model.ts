/**
 * @file Makes a model folder of random weights to pre-train from:
 * npm run model:init -- --config models/tiny-gemma3 --out runs/tiny-init --seed 1
 */
import { copyFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  layOut,
  parseGemma3Config,
  readConfigJson,
  type TensorData,
  writeSafetensors,
} from '../src/nn/index.ts'
import { normal, streamOf } from '../src/util/random.ts'

const COPIED = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']

/**
 * Standard deviation of embedding and projections, as Gemma 3's configuration names it. Projections drawn by their
 * width instead learn more slowly here: a held-out loss of 3.10 after 60 steps against 2.65.
 */
const STD = 0.02

/**
 * Writes bf16 weights for the config.json in `config` and copies its tokenizer beside them; returns the number of
 * parameters. Each tensor has a stream of random numbers of its own, so the seed alone decides every value.
 */
export async function initModel(config: string, out: string, seed: number): Promise<number> {
  const tensors: TensorData[] = []
  layOut(parseGemma3Config(readConfigJson(config), join(config, 'config.json')), (name, shape) => {
    tensors.push({ name, dtype: 'bf16', shape, data: randomWeight(name, shape, seed) })
    return { name, file: '', offset: 0, dtype: 'bf16', shape }
  })
  await mkdir(out, { recursive: true })
  for (const name of COPIED) await copyFile(join(config, name), join(out, name))
  await writeSafetensors(join(out, 'model.safetensors'), tensors, { format: 'pt' })
  return tensors.reduce((total, { shape }) => total + size(shape), 0)
}

/** Norms (the only vectors) are zero: Gemma multiplies by 1 + weight. */
function randomWeight(name: string, shape: readonly number[], seed: number): Float32Array {
  const values = new Float32Array(size(shape))
  if (shape.length === 1) return values
  const stream = streamOf(name)
  return values.map((_, index) => STD * normal(seed, stream, index))
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

if (process.argv[1] === import.meta.filename) await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '1' } },
  })
  const { config, out, seed } = values
  if (config === undefined || out === undefined || !/^\d+$/.test(seed) || resolve(config) === resolve(out)) {
    process.stderr.write(
      'usage: npm run model:init -- --config <model folder> --out <new folder> [--seed 1]\n',
    )
    process.exitCode = 2
    return
  }
  const parameters = await initModel(config, out, Number(seed))
  process.stdout.write(`${out}: ${parameters.toLocaleString('en')} random parameters, seed ${seed}\n`)
}
