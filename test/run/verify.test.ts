/** @file What a run records of its inputs, whether they are still the same, and the run again. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { verify } from '../../src/cli/runs/verify.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { loadRecorded } from '../../src/recipe/recorded.ts'
import { compareSteps, openRepeat } from '../../src/run/repeat.ts'
import { verifyRun } from '../../src/run/verify.ts'
import { run } from '../../src/run.ts'
import { smallProject } from './project.ts'

let project: string
let folder: string

const OVERRIDES = ['train.steps=3', 'train.eval_every=3']

beforeAll(async () => {
  project = await smallProject()
  // Paths that start at three places: this file's folder, that of a recipe below it, the working directory.
  mkdirSync(join(project, 'above'))
  writeFileSync(join(project, 'above', 'recipe.yaml'), 'extends: ../recipe.yaml\nname: above\n')
  const resolved = await loadRecipe(join(project, 'above', 'recipe.yaml'), OVERRIDES)
  folder = (await run(resolved, { runsDir: join(project, 'runs') })).folder
})

const record = () => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))

async function printed(action: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk
    return true
  })
  const code = await action().finally(() => spy.mockRestore())
  return { code, text }
}

/** Changes a file for as long as `check` takes. */
async function changed(file: string, text: string | undefined, check: () => Promise<void>): Promise<void> {
  const copy = `${file}.kept`
  copyFileSync(file, copy)
  if (text === undefined) rmSync(file)
  else writeFileSync(file, text)
  try {
    await check()
  } finally {
    copyFileSync(copy, file)
    rmSync(copy)
  }
}

test('run.json says what the run stood on', () => {
  const { versions, lockfile, threads, plugins, inputs, rows, outputs, hardware } = record()
  const dependencies = JSON.parse(readFileSync('package.json', 'utf8')).dependencies
  expect(versions).toMatchObject({ node: process.versions.node, ...dependencies })
  expect(lockfile).toMatchObject({ path: join(process.cwd(), 'package-lock.json') })
  expect(lockfile.sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(threads).toBe(hardware.cores)
  expect(plugins).toContainEqual({ kind: 'optimizer', name: 'adamw' })
  expect(rows).toEqual({ train: expect.stringMatching(/^[0-9a-f]{64}$/), holdout: expect.any(String) })
  const names = (list: { role: string; path: string }[]) =>
    list.map(({ role, path }) => [role, basename(path)].join(' '))
  expect(names(inputs)).toEqual([
    'model config.json',
    'model model.safetensors',
    'model tokenizer.json',
    'model tokenizer_config.json',
    'dataset rows.jsonl',
    'eval.1 questions.jsonl',
  ])
  expect(names(outputs)).toEqual(['adapter adapter_config.json', 'adapter adapter_model.safetensors'])
})

test('verify finds a run as it was', async () => {
  const { code, text } = await printed(() => verify(folder, { runsDir: 'runs' }))
  expect(code).toBe(0)
  expect(text).toMatch(/^above \(done\): /)
  expect(text).toMatch(/\nsame +model +\S+model\.safetensors {2}[0-9a-f]{12}\n/)
  expect(text).toMatch(/every file is as it was\n$/)
})

test.each([
  ['a changed row', 'rows.jsonl', '{"q":"colour 0?","a":"green"}\n', 'dataset', 'changed'],
  ['a missing file of questions', 'questions.jsonl', undefined, 'eval.1', 'missing'],
  ['other weights', 'model/model.safetensors', 'not weights', 'model', 'changed'],
])('verify tells %s', async (_, name, text, role, status) => {
  await changed(join(project, name), text, async () => {
    const { ok, files } = await verifyRun(folder)
    expect(ok).toBe(false)
    expect(files.filter((file) => file.status !== 'same')).toMatchObject([
      { role, status, path: join(project, name) },
    ])
    const shown = await printed(() => verify(folder, { runsDir: 'runs', json: true }))
    expect(shown.code).toBe(1)
    expect(JSON.parse(shown.text)).toMatchObject({ ok: false })
  })
})

test('verify tells an adapter of the same size that was changed, and a recipe that was edited', async () => {
  const file = join(folder, 'adapter', 'adapter_model.safetensors')
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  const resolved = JSON.parse(readFileSync(join(folder, 'resolved.json'), 'utf8'))
  const edited = { ...resolved, recipe: { ...resolved.recipe, seed: 7 } }
  await changed(file, undefined, async () => {
    writeFileSync(file, bytes)
    await changed(join(folder, 'resolved.json'), JSON.stringify(edited), async () => {
      const { files } = await verifyRun(folder)
      const wrong = files.filter(({ status }) => status !== 'same').map(({ role, status }) => [role, status])
      expect(wrong).toEqual([
        ['recipe', 'changed'],
        ['adapter', 'changed'],
      ])
    })
  })
})

test('other software is told and is no failure', async () => {
  const before = record()
  const planted = { ...before, versions: { ...before.versions, 'onnxruntime-node': '1.0.0', gone: '2.0.0' } }
  await changed(join(folder, 'run.json'), JSON.stringify(planted), async () => {
    const { ok, differences } = await verifyRun(folder)
    expect(ok).toBe(true)
    expect(differences).toEqual([
      { what: 'onnxruntime-node', recorded: '1.0.0', found: before.versions['onnxruntime-node'] },
      { what: 'gone', recorded: '2.0.0', found: 'none' },
    ])
    const { notes } = await openRepeat(folder, [])
    expect(notes).toEqual([
      `onnxruntime-node: 1.0.0 then, ${before.versions['onnxruntime-node']} now`,
      'gone: 2.0.0 then, none now',
    ])
  })
})

test.each([
  ['nowhere', /nowhere: no such folder; give the folder of a run/],
  ['model', /model: is no run folder, it has no run\.json/],
])('verify refuses what is no run: %s', async (name, message) => {
  await expect(verifyRun(join(project, name))).rejects.toMatchObject({
    name: 'InputError',
    message: expect.stringMatching(message),
  })
})

test('a run that noted no hashes says so', async () => {
  const { inputs: _, ...rest } = record()
  await changed(join(folder, 'run.json'), JSON.stringify(rest), async () => {
    await expect(verifyRun(folder)).rejects.toThrow(/holds no hashes of what the run read/)
  })
})

test('a run is repeated from its folder: the same hash, the same bits', async () => {
  const { resolved, notes, folder: from } = await openRepeat(folder, [])
  expect(notes).toEqual([])
  expect(resolved.hash).toBe(record().hash)
  const again = await run(resolved, { runsDir: join(project, 'again'), repeats: { folder: from, notes } })
  expect(await compareSteps(folder, again.folder)).toEqual({ steps: 3, identical: true })
  const adapter = (run: string) => readFileSync(join(run, 'adapter', 'adapter_model.safetensors'))
  expect(adapter(again.folder).equals(adapter(folder))).toBe(true)
  expect(JSON.parse(readFileSync(join(again.folder, 'run.json'), 'utf8'))).toMatchObject({ from: folder })
  expect(readFileSync(join(again.folder, 'recipe.yaml'), 'utf8')).toBe(
    readFileSync(join(folder, 'recipe.yaml'), 'utf8'),
  )
})

test('a repeat that is not the same says from which step on, and what is not as it was', async () => {
  const { resolved, notes } = await openRepeat(folder, ['optimizer.lr=0.04'])
  expect(notes).toEqual(['the recipe is not the one of that run'])
  await changed(join(project, 'questions.jsonl'), undefined, async () => {
    expect((await openRepeat(folder, ['eval=[]'])).notes).toContain(
      `${join(project, 'questions.jsonl')} is no longer there`,
    )
  })
  const other = await run(resolved, { runsDir: join(project, 'again'), repeats: { folder, notes } })
  // Warm-up: the first step has a rate of 0, so that the second has the same loss still.
  expect(await compareSteps(folder, other.folder)).toEqual({ steps: 3, identical: false, first: 3 })
  const warnings = readFileSync(join(other.folder, 'events.jsonl'), 'utf8').split('\n')
  expect(warnings.filter((line) => line.includes('"code":"repeat"'))).toHaveLength(1)
})

test('relative paths of a recorded recipe start where they did', async () => {
  const file = join(project, 'above', 'recipe.yaml')
  copyFileSync(join(project, 'rows.jsonl'), join(project, 'above', 'rows.jsonl'))
  const cwd = process.cwd()
  try {
    process.chdir(join(project, 'above'))
    const resolved = await loadRecipe(file, [...OVERRIDES, 'dataset.path=rows.jsonl', 'train.steps=1'])
    const { folder: made } = await run(resolved, { runsDir: join(project, 'paths') })
    process.chdir(cwd)
    const recorded = await loadRecorded(made)
    expect(recorded.hash).toBe(resolved.hash)
    expect(recorded.baseDir('dataset.path')).toBe(join(project, 'above'))
    expect(recorded.baseDir('model.path')).toBe(project)
    expect(recorded.baseDir('eval.1.path')).toBe(project)
    expect((await loadRecorded(made, ['dataset.path=x.jsonl'])).baseDir('dataset.path')).toBe(cwd)
  } finally {
    process.chdir(cwd)
  }
})

test('a recorded recipe that an option no longer fits is refused with its place', async () => {
  const resolved = JSON.parse(readFileSync(join(folder, 'resolved.json'), 'utf8'))
  resolved.recipe.train.batch_sice = 4
  await changed(join(folder, 'resolved.json'), JSON.stringify(resolved, null, 2), async () => {
    await expect(loadRecorded(folder)).rejects.toThrow(
      /resolved\.json:\d+:\d+ {2}train\.batch_sice: unknown key; did you mean "batch_size"/,
    )
  })
  await expect(loadRecorded(join(project, 'model'))).rejects.toThrow(/is no run folder, it has no resolved/)
})
