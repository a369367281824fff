import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { pushFolder } from '../../src/push.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { InputError } from '../../src/util/errors.ts'
import { type FakeUploads, startFakeUploads } from '../helpers/fake-upload.ts'
import { tempFolder } from '../helpers/temp.ts'
import { smallProject } from './project.ts'

let hub: FakeUploads

beforeEach(async () => {
  hub = await startFakeUploads()
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  vi.stubEnv('HF_HOME', tempFolder())
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

/** A folder with an adapter, as a run writes it. */
function adapterFolder(base = 'org/base'): string {
  const folder = tempFolder()
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ base_model_name_or_path: base }))
  writeFileSync(join(folder, 'adapter_model.safetensors'), 'w'.repeat(100_000))
  return folder
}

it('a run goes up whole: the adapter, byte for byte, and a card of what was measured', async () => {
  const project = await smallProject()
  const recipe = await loadRecipe(join(project, 'recipe.yaml'), ['train.steps=2', 'train.eval_every=1'])
  const report = await run(recipe, { runsDir: join(project, 'runs') })
  const pushed = await pushFolder(report.folder, 'me/tuned', { private: true })
  const files = ['README.md', 'adapter_config.json', 'adapter_model.safetensors']
  expect(pushed).toMatchObject({ url: `${hub.url}/me/tuned`, commit: 'c'.repeat(40), files })
  expect([...hub.files.keys()].sort()).toEqual(files)
  for (const name of files.slice(1)) {
    expect(hub.files.get(name)!.equals(readFileSync(join(report.folder, 'adapter', name)))).toBe(true)
  }
  expect(hub.created).toEqual([
    expect.objectContaining({ name: 'tuned', organization: 'me', visibility: 'private' }),
  ])
  expect(hub.commits).toEqual(['Upload adapter with medtune'])
  const card = hub.files.get('README.md')!.toString()
  expect(parse(card.split('---\n')[1]!)).toEqual({
    library_name: 'peft',
    pipeline_tag: 'text-generation',
    tags: ['medtune', 'lora'],
  })
  expect(card).toMatch(/\| colours \| accuracy \| 0\.\d+ \[.*\] \| [01][.\d]* \[.*\] \|/)
  expect(card).toMatch(/```yaml\nadapter:\n {2}use: lora\n {2}rank: 4/)
  // The model lies in a folder of this machine, which the card does not show.
  expect(card).not.toContain(project)
  expect(pushed.warnings).toEqual([
    expect.stringContaining('names the base model by a folder of this machine'),
  ])
})

it('the token stays with the Hub: the storage of large files does not get it', async () => {
  await pushFolder(adapterFolder(), 'me/tuned', { private: false, message: 'First', branch: 'next' })
  const storage = [...hub.tokens].filter(([path]) => path.startsWith('/storage/'))
  expect(storage).toHaveLength(1)
  expect(storage[0]![1]).toBeUndefined()
  expect([...hub.tokens.keys()].some((path) => path.endsWith('/commit/next'))).toBe(true)
  expect(hub.commits).toEqual(['First'])
  expect(hub.files.get('README.md')!.toString()).toContain('base_model: org/base')
})

it('a card of your own and a repository that is there are kept; links and hidden files stay here', async () => {
  const folder = adapterFolder()
  writeFileSync(join(folder, 'README.md'), '# mine')
  writeFileSync(join(folder, '.env'), 'secret')
  symlinkSync('/etc/hostname', join(folder, 'link.txt'))
  mkdirSync(join(folder, 'sub'))
  hub.createStatus = 409
  await pushFolder(folder, 'me/tuned', { private: true })
  expect([...hub.files.keys()].sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  expect(hub.files.get('README.md')!.toString()).toBe('# mine')
})

describe('refused', () => {
  it.each<[string, () => string, string, Record<string, string>, RegExp]>([
    ['an empty folder', tempFolder, 'me/x', {}, /holds no adapter .* and no model/],
    ['no folder', () => '/none', 'me/x', {}, /cannot be read \(ENOENT\)/],
    ['no owner', adapterFolder, 'x', {}, /give owner\/name/],
    ['a path', adapterFolder, '../x', {}, /give owner\/name/],
    ['no token', adapterFolder, 'me/x', { HF_TOKEN: '' }, /needs a token that may write; set HF_TOKEN/],
    ['offline', adapterFolder, 'me/x', { MEDTUNE_OFFLINE: '1' }, /--offline \(MEDTUNE_OFFLINE\) is set/],
  ])('%s', async (_, folder, repo, env, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const attempt = pushFolder(folder(), repo, { private: true })
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toBeInstanceOf(InputError)
    expect(hub.files.size).toBe(0)
  })

  it('by the Hub: says which right is missing', async () => {
    hub.createStatus = 403
    await expect(pushFolder(adapterFolder(), 'other/x', { private: true })).rejects.toThrow(
      /does not let this token write there \(403\)/,
    )
  })
})
