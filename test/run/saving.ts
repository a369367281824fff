/** @file A run's folder with a checkpoint of step 1, about to save step 2, on disks that fail and machines that go down. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, expect } from 'vitest'
import type { AdapterPlan, Executor } from '../../src/plugin/contract.ts'
import { Checkpoints } from '../../src/run/checkpoints.ts'
import { findCheckpoint } from '../../src/run/find-checkpoint.ts'
import { EventLog } from '../../src/track/events.ts'
import type { CheckpointEntry } from '../../src/train/checkpoint.ts'
import { UNTRAINED } from '../../src/train/loop.ts'
import type { Programs } from '../../src/train/step.ts'
import { loadTensors } from '../../src/train/tensors.ts'
import { withFs } from '../../src/util/fs-ops.ts'
import { bits } from '../../src/util/random.ts'
import { afterCrash, FaultyFs, NotingFs } from '../helpers/faulty-fs.ts'
import { oracleExecutor } from '../helpers/oracle-executor.ts'
import { MEMORY_DISK, tempFolder } from '../helpers/temp.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

let plan: AdapterPlan
let programs: Programs
let executor: Executor
/** Another one, to load into. */
let loaded: Executor
// In memory where the system has that: what is durable is decided by the harness, not by this disk.
export const root = tempFolder(MEMORY_DISK)
const expected = new Map<number, readonly string[]>()
let count = 0

beforeAll(async () => {
  ;({ plan, programs } = await tinyLora({ targets: ['q_proj'], rank: 1 }))
  executor = await oracleExecutor()
  loaded = await oracleExecutor()
  for (const each of [executor, loaded]) await each.compile(programs.train)
  for (const step of [1, 2]) {
    await standAt(step)
    expected.set(step, await tensorBytes(executor))
  }
  mkdirSync(join(root, 'first', 'checkpoints'), { recursive: true })
  await standAt(1)
  const { checkpoints, events } = open(join(root, 'first'), 1, [])
  await checkpoints.between(stateAt(1), false)
  await events.close({ type: 'end', status: 'done' })
  await standAt(2)
})

/** Sets every tensor of the executor to values that name the step and the place. */
async function standAt(step: number): Promise<void> {
  const values = (size: number, salt: number) =>
    Float32Array.from({ length: size }, (_, i) => step + salt / 7 + i)
  for (const [t, { name, shape, state }] of (await executor.trained()).entries()) {
    await executor.write(
      name,
      values(
        shape.reduce((a, b) => a * b, 1),
        t,
      ),
    )
    for (const [i, size] of state.entries()) await executor.writeState(name, i, values(size, 100 * t + i))
  }
}

async function tensorBytes(from: Executor): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, state } of await from.trained()) {
    found.push(Buffer.from((await from.read(name)).buffer).toString('base64'))
    for (const i of state.keys())
      found.push(Buffer.from((await from.readState(name, i)).buffer).toString('base64'))
  }
  return found
}

export interface Setting {
  readonly folder: string
  readonly events: EventLog
  readonly checkpoints: Checkpoints
}

function open(folder: string, keep: number, kept: readonly CheckpointEntry[]): Setting {
  const events = new EventLog(join(folder, 'events.jsonl'))
  const options = { keep, every: 1, minutes: 0 }
  const [check, seconds] = [async () => {}, () => 1]
  const checkpoints = new Checkpoints(
    { folder, options, executor, adapter: plan, events, check, seconds },
    { kept },
  )
  return { folder, events, checkpoints }
}

/** A run's folder with a checkpoint of step 1, standing at step 2. */
export function standing(keep: number): Setting {
  const folder = join(root, String(count++))
  cpSync(join(root, 'first'), folder, { recursive: true })
  return open(folder, keep, [{ path: join(folder, 'checkpoints', '1'), step: 1 }])
}

export const stateAt = (step: number) => ({ ...UNTRAINED, step, cursor: { epoch: 0, part: 0, row: step } })

/** The step of the checkpoint that a resume would take, with every byte of it checked. */
export async function survivor(folder: string): Promise<number> {
  const { found } = await findCheckpoint(folder)
  if (!found) return -1
  const step = found.state.train.step
  await loadTensors(found.path, loaded)
  expect(await tensorBytes(loaded)).toEqual(expected.get(step))
  expect(found.state.train).toEqual(stateAt(step))
  expect(readdirSync(join(found.path, 'adapter')).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  return step
}

export async function operationsOfASave(): Promise<number> {
  const { checkpoints } = standing(1)
  const fs = new FaultyFs()
  await withFs(fs, () => checkpoints.between(stateAt(2), false))
  return fs.count
}

/** Every file below a folder, as it is there and durable. */
function filesBelow(folder: string): { path: string; bytes: Uint8Array }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(folder, path), bytes: readFileSync(path) }))
}

/** The folder of a standing run, and file operations that note what a save in it does. */
export function noted(keep: number): Setting & { readonly fs: NotingFs } {
  const setting = standing(keep)
  const there = filesBelow(setting.folder).filter(({ path }) => path.startsWith('checkpoints/'))
  return { ...setting, fs: new NotingFs(setting.folder, there) }
}

/** Plays a crash behind each operation of a save, several times; tells how often which step was there to go on from. */
export async function crashes(
  keep: number,
  chances: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const { folder, checkpoints, events, fs } = noted(keep)
  await withFs(fs, () => checkpoints.between(stateAt(2), false))
  await events.close({ type: 'end', status: 'done' })
  expect(await survivor(folder)).toBe(2)
  const seen = new Map<number, number>()
  for (let length = fs.before; length <= fs.log.length; length++) {
    for (const [draw, chance] of chances.entries()) {
      const step = await afterOne(fs, length, draw, chance)
      seen.set(step, (seen.get(step) ?? 0) + 1)
    }
  }
  return seen
}

/** The step to go on from after one crash. */
export async function afterOne(fs: NotingFs, length: number, draw: number, chance: number): Promise<number> {
  const target = join(root, 'after-crash')
  let asked = 0
  afterCrash(fs.log, length, () => bits(7, length * 4096 + draw, asked++) / 2 ** 32 < chance, target)
  const step = await survivor(target)
  rmSync(target, { recursive: true })
  return step
}
