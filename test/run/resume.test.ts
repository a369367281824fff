/** @file Going on with a run through its folder: what comes out, what is refused, what is told. */
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import type { RunOptions } from '../../src/run/options.ts'
import { resume, run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { MEMORY_DISK } from '../helpers/temp.ts'
import { smallProject } from './project.ts'

let project: string
let whole: string
let count = 0

beforeAll(async () => {
  project = await smallProject(MEMORY_DISK)
  whole = (await start([])).folder
})

interface Attempt {
  readonly folder: string
  readonly error: Error | undefined
}

async function start(overrides: readonly string[], options: RunOptions = {}): Promise<Attempt> {
  const runsDir = join(project, `runs-${count++}`)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), overrides)
  const error = await run(resolved, { runsDir, ...options }).then(
    () => undefined,
    (failure: Error) => failure,
  )
  const [made] = existsSync(runsDir) ? readdirSync(runsDir) : []
  return { folder: made === undefined ? '' : join(runsDir, made), error }
}

/** Options that stop a run once it emits an event that fits. */
function stopAt(type: string, step: number): RunOptions {
  const controller = new AbortController()
  return {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === type && 'step' in event && event.step === step)
        controller.abort(new Stopped('SIGINT'))
    },
  }
}

const json = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const events = (folder: string): Record<string, unknown>[] =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const stepsOf = (folder: string) =>
  events(folder)
    .filter(({ type }) => type === 'step')
    .map(({ time: _, seconds: __, ...rest }) => rest)
const evalsOf = (folder: string) =>
  events(folder)
    .filter(({ type }) => type === 'eval')
    .map(({ time: _, ...rest }) => rest)
const bytesOf = (folder: string, name = 'adapter/adapter_model.safetensors') =>
  readFileSync(join(folder, name)).toString('base64')

/** The run came to what the undisturbed one came to. */
function expectTheSame(folder: string): void {
  expect(bytesOf(folder)).toBe(bytesOf(whole))
  expect(stepsOf(folder)).toEqual(stepsOf(whole))
  expect(evalsOf(folder)).toEqual(evalsOf(whole))
  const [one, other] = [json(folder, 'report.json'), json(whole, 'report.json')]
  expect(one.eval).toEqual(other.eval)
  for (const key of ['steps', 'tokens', 'loss_first', 'loss_last'])
    expect(one.train[key]).toBe(other.train[key])
  for (const name of ['loss.base', 'loss.tuned', 'colours.base', 'colours.tuned'])
    expect(bytesOf(folder, `eval/${name}.jsonl`)).toBe(bytesOf(whole, `eval/${name}.jsonl`))
  expect(json(folder, 'run.json')).toMatchObject({ status: 'done', step: 6, steps: 6 })
  const last = (path: string) => join(path, 'checkpoints', readdirSync(join(path, 'checkpoints')).at(-1)!)
  expect(bytesOf(last(folder), 'optimizer.safetensors')).toBe(bytesOf(last(whole), 'optimizer.safetensors'))
}

test('stopped between two steps, it goes on where it was and comes to the same', async () => {
  const { folder, error } = await start([], stopAt('step', 4))
  expect(error).toBeInstanceOf(Stopped)
  expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['4'])
  expect(json(folder, 'run.json')).toMatchObject({ status: 'stopped', step: 4 })
  const phases: string[] = []
  await resume(folder, [], { onProgress: ({ phase }) => phases.push(phase) })
  expectTheSame(folder)
  // The evaluations of the base model were used again.
  expect(phases.filter((phase) => phase.startsWith('evaluate base'))).toEqual([])
  expect(json(folder, 'run.json').resumed).toMatchObject([{ step: 4, checkpoint: 'checkpoints/4' }])
  expect(
    events(folder)
      .map(({ type }) => type)
      .join(' '),
  ).toBe('start eval eval step step step eval step checkpoint resume step step eval checkpoint eval eval end')
  expect(readFileSync(join(folder, 'logs/superseded.jsonl'), 'utf8')).toMatch(
    /"type":"end","status":"stopped"/,
  )
  await expect(resume(folder)).rejects.toThrow(/this run is finished.*nothing to resume/)
})

test('stopped during the evaluation between two steps, that is taken up again', async () => {
  const controller = new AbortController()
  let steps = 0
  const { folder } = await start([], {
    signal: controller.signal,
    onEvent: ({ type }) => {
      // Heard within the third step, so that the evaluation behind it is the first to stop.
      if (type === 'step' && ++steps === 3) controller.abort(new Stopped('SIGTERM'))
    },
  })
  expect(evalsOf(folder).filter(({ name }) => name === 'holdout')).toEqual([])
  expect(json(folder, 'checkpoints/3/state.json').train.pending).toMatchObject({ step: 3 })
  await resume(folder)
  expectTheSame(folder)
})

test.each([
  ['the base model', 'evaluate base: colours', 0],
  ['the tuned model', 'evaluate tuned: colours', 6],
])('stopped while %s is evaluated, what was finished is kept', async (_, phase, step) => {
  const controller = new AbortController()
  const { folder } = await start([], {
    signal: controller.signal,
    onProgress: (progress) => progress.phase === phase && controller.abort(new Stopped('SIGINT')),
  })
  expect(json(folder, 'run.json')).toMatchObject({ status: 'stopped' })
  const phases = new Set<string>()
  await resume(folder, [], { onProgress: (progress) => phases.add(progress.phase) })
  expectTheSame(folder)
  expect(json(folder, 'run.json').resumed).toMatchObject([{ step }])
  expect(phases).toContain(phase)
  expect(phases).not.toContain(phase.replace('colours', 'loss'))
})

test('a checkpoint with a byte wrong is told of, and the one before it is used', async () => {
  const { folder } = await start(['checkpoint.every=2'], stopAt('step', 5))
  expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual(['4', '5'])
  const file = join(folder, 'checkpoints/5/parameters.safetensors')
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(file, bytes)
  await resume(folder)
  expectTheSame(folder)
  expect(json(folder, 'run.json').resumed).toMatchObject([{ step: 4 }])
  const warnings = events(folder).filter(({ code }) => code === 'resume')
  expect(warnings.map(({ message }) => message)).toEqual([
    'checkpoints/5 is not used: parameters.safetensors is not as it was written',
  ])
  expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual(['4', '6'])
})

test('without any checkpoint that is whole it begins anew, and a torn last line of events is no harm', async () => {
  const { folder } = await start(['checkpoint.every=2'], stopAt('step', 5))
  for (const name of ['4', '5']) truncateSync(join(folder, 'checkpoints', name, 'manifest.json'), 30)
  appendFileSync(join(folder, 'events.jsonl'), '{"time":"2026-01-01T00:00')
  await resume(folder)
  expectTheSame(folder)
  expect(json(folder, 'run.json').resumed).toMatchObject([{ step: 0 }])
})

test('changes that decide what training comes to are refused with what they are; others are made', async () => {
  const { folder } = await start([], stopAt('step', 2))
  await expect(resume(folder, ['train.batch_size=2', 'seed=1'])).rejects.toThrow(
    /these changes break that:\n {2}seed: 42 -> 1\n {2}train\.batch_size: 4 -> 2\nOnly checkpoint, eval/,
  )
  await expect(resume(folder, ['train.steps=9'])).rejects.toThrow(/train\.steps: 6 -> 9/)
  await expect(resume(folder, ['train.nothing=9'])).rejects.toThrow(/unknown key/)
  await resume(folder, ['checkpoint.every=3', 'checkpoint.keep=5'])
  expect(stepsOf(folder)).toEqual(stepsOf(whole))
  expect(bytesOf(folder)).toBe(bytesOf(whole))
  expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual(['2', '3', '6'])
  expect(events(folder).filter(({ code }) => code === 'resume')).toMatchObject([
    { message: 'changed for this resume: checkpoint.every: not set -> 3' },
    { message: 'changed for this resume: checkpoint.keep: 2 -> 5' },
  ])
  expect(json(folder, 'resolved.json').recipe.checkpoint).toEqual({ every: 3, keep: 5, minutes: 10 })
})

test('data and model that are not as they were are refused by name; put back, the run goes on', async () => {
  const { folder } = await start([], stopAt('step', 2))
  for (const name of ['rows.jsonl', 'model/model.safetensors', 'questions.jsonl']) {
    const file = join(project, name)
    const before = readFileSync(file)
    const after = Buffer.from(before)
    after[after.length - 3]! ^= 1
    writeFileSync(file, after)
    await expect(resume(folder)).rejects.toThrow(
      new RegExp(`is not what it was:\\n  ${file.replaceAll('.', '\\.')} \\(.*\\) is changed`),
    )
    renameSync(file, `${file}.away`)
    await expect(resume(folder)).rejects.toThrow(/is gone/)
    renameSync(`${file}.away`, file)
    writeFileSync(file, before)
  }
  await resume(folder)
  expectTheSame(folder)
})

test('weights that change while they are read are noticed before they reach a checkpoint', async () => {
  const file = join(project, 'model/model.safetensors')
  const before = readFileSync(file)
  const { folder, error } = await start(['checkpoint.every=2'], {
    onEvent: (event) => {
      if (event.type === 'step' && event.step === 3)
        writeFileSync(
          file,
          before.map((byte) => byte),
        )
    },
  })
  expect(error).toMatchObject({ name: 'InputError' })
  expect(error?.message).toMatch(
    /model\.safetensors was changed while the run was reading it.*medtune resume/,
  )
  expect(json(folder, 'run.json')).toMatchObject({ status: 'failed', reason: error!.message })
  expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['2'])
  await resume(folder)
  expectTheSame(folder)
})

test('rows and questions that change under a run are no harm to it: all of them were read at the start', async () => {
  const files = ['rows.jsonl', 'questions.jsonl'].map((name) => join(project, name))
  const before = files.map((file) => readFileSync(file))
  const { folder, error } = await start([], {
    onEvent: (event) => {
      if (event.type === 'step' && event.step === 1) for (const file of files) writeFileSync(file, 'damaged')
    },
  })
  for (const [i, file] of files.entries()) writeFileSync(file, before[i]!)
  expect(error).toBeUndefined()
  expectTheSame(folder)
})

test('a run that another process has taken over stops and writes nothing more', async () => {
  let folder = ''
  let record = ''
  const { error } = await start(['checkpoint.every=1'], {
    onFolder: (path) => {
      folder = path
    },
    onEvent: (event) => {
      if (event.type !== 'step' || event.step !== 2) return
      writeFileSync(join(folder, 'owner.2.json'), '{"host":"elsewhere","pid":1}')
      record = readFileSync(join(folder, 'run.json'), 'utf8')
    },
  })
  expect(error).toMatchObject({ name: 'OwnerLostError' })
  expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe(record)
  expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['1'])
  expect(events(folder).at(-1)).toMatchObject({ type: 'step', step: 2 })
})

test('a compute thread that dies or runs out of memory fails the run with what to do; it goes on from the last checkpoint', async () => {
  const flag = join(project, 'broken')
  writeFileSync(
    join(project, 'frail.mjs'),
    `import { existsSync, readFileSync } from 'node:fs'
    export default { kind: 'optimizer', name: 'frail', summary: 'plain descent that breaks at step 4 while a file is there',
      options: { type: 'object', properties: { lr: { type: 'number', default: 1 } }, additionalProperties: false },
      create: () => ({
        init: (name, size) => [new Float32Array(size)],
        update(name, value, gradient, [sum], { step, lr }) {
          if (step === 4 && existsSync(${JSON.stringify(flag)})) {
            if (readFileSync(${JSON.stringify(flag)}, 'utf8') === 'memory') throw new RangeError('Array buffer allocation failed')
            process.exit(7)
          }
          for (let i = 0; i < value.length; i++) value[i] -= lr * 0.01 * (sum[i] = 0.9 * sum[i] + gradient[i])
        } }) }`,
  )
  const frail = [
    `plugins=[${join(project, 'frail.mjs')}]`,
    'optimizer.use=frail',
    'eval=[]',
    'checkpoint.every=1',
  ]
  const sound = await start(frail)
  expect(sound.error).toBeUndefined()
  for (const [how, kind, message] of [
    ['exit', 'worker-lost', /the compute thread ended with code 7/],
    ['memory', 'out-of-memory', /Memory ran out: set train\.memory to what there is/],
  ] as const) {
    writeFileSync(flag, how)
    const { folder, error } = await start(frail)
    expect(error).toMatchObject({ name: 'ExecutorError', kind, message: expect.stringMatching(message) })
    expect(json(folder, 'run.json')).toMatchObject({ status: 'failed', reason: error!.message })
    rmSync(flag)
    await resume(folder)
    expect(stepsOf(folder)).toEqual(stepsOf(sound.folder))
    expect(bytesOf(folder)).toBe(bytesOf(sound.folder))
  }
})

test('a checkpoint that says another place comes to something else: planted', async () => {
  const { folder } = await start([], stopAt('step', 4))
  const checkpoint = join(folder, 'checkpoints/4')
  const [state, manifest] = [join(checkpoint, 'state.json'), join(checkpoint, 'manifest.json')]
  const text = readFileSync(state, 'utf8')
  const wrong = text.replace(/"epoch": \d+,\n {6}"part"/, '"epoch": 7,\n      "part"')
  expect(wrong).not.toBe(text)
  writeFileSync(state, wrong)
  const listed = JSON.parse(readFileSync(manifest, 'utf8'))
  const sha256 = createHash('sha256').update(wrong).digest('hex')
  listed.files['state.json'] = { bytes: wrong.length, sha256 }
  writeFileSync(manifest, JSON.stringify(listed))
  await resume(folder)
  expect(stepsOf(folder)).toHaveLength(6)
  expect(stepsOf(folder)).not.toEqual(stepsOf(whole))
})

test('a recipe that was edited since is told of and not followed', async () => {
  const { folder } = await start([], stopAt('step', 2))
  const file = join(project, 'recipe.yaml')
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, before.replace('steps: 6', 'steps: 60'))
  await resume(folder)
  writeFileSync(file, before)
  expectTheSame(folder)
  const [warning] = events(folder).filter(({ code }) => code === 'resume')
  expect(warning!.message).toMatch(/recipe\.yaml was changed since.*train\.steps: 6 -> 60/)
})

test('what is no run folder is refused', async () => {
  await expect(resume(project)).rejects.toThrow(/is no run folder/)
  await expect(resume(join(project, 'nowhere'))).rejects.toThrow(/no such folder/)
})
