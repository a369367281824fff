import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { downloadSnapshot } from '../../src/data/index.ts'
import { unsafeName } from '../../src/data/safe-name.ts'
import { InputError } from '../../src/plugin/contract.ts'
import { PATIENCE } from '../../src/util/retry.ts'
import { COMMIT, type FakeHub, startFakeHub } from '../helpers/fake-hub.ts'
import { tempFolder } from '../helpers/temp.ts'

let hub: FakeHub
let root: string
let warnings: string[]

beforeEach(async () => {
  hub = await startFakeHub('org/repo')
  // In a folder that holds nothing else: what climbs out of it is seen there.
  root = join(tempFolder(), 'root')
  await mkdir(root)
  warnings = []
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HUB_CACHE', join(root, 'hub'))
  vi.stubEnv('HF_HOME', join(root, 'home'))
  vi.stubEnv('HF_TOKEN', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

const put = (name: string, text: string, more = {}) =>
  hub.files.set(name, { content: Buffer.from(text), ...more })
const download = (files: (name: string) => boolean = () => true) =>
  downloadSnapshot({
    repo: 'org/repo',
    type: 'model',
    files,
    patience: { ...PATIENCE, delayMs: 5 },
    warn: (code, message) => warnings.push(`${code}: ${message}`),
  })
/** Every file and link below the test's folder. */
const tree = async () => (await readdir(root, { recursive: true })).sort()

describe('downloadSnapshot', () => {
  it("lays the chosen files out as Python's cache does", async () => {
    put('config.json', '{"a":1}')
    put('sub/model.safetensors', 'weights'.repeat(50_000), { lfs: true })
    put('other.bin', 'not wanted')
    const { folder, revision } = await download((name) => !name.endsWith('.bin'))
    const cache = join(root, 'hub', 'models--org--repo')
    expect([folder, revision]).toEqual([join(cache, 'snapshots', COMMIT), COMMIT])
    expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe('{"a":1}')
    expect(await readFile(join(folder, 'sub', 'model.safetensors'), 'utf8')).toBe('weights'.repeat(50_000))
    expect(await readFile(join(cache, 'refs', 'main'), 'utf8')).toBe(COMMIT)
    expect(await readlink(join(folder, 'sub', 'model.safetensors'))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/,
    )
    expect(await readlink(join(folder, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
    expect((await readdir(join(cache, 'blobs'))).filter((name) => !/^[0-9a-f]+$/.test(name))).toEqual([])
    expect(existsSync(join(folder, 'other.bin'))).toBe(false)
  })

  it('downloads nothing twice, and sends the token', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret')
    put('config.json', '{}')
    await download()
    const before = hub.requests.length
    await download()
    const again = hub.requests.slice(before).map((request) => request.path)
    expect(again.some((path) => path.includes('/resolve/'))).toBe(false)
    expect(hub.requests.every((request) => request.token === 'Bearer hf_secret')).toBe(true)
  })

  it('keeps nothing of a download that was altered or is of another size', async () => {
    const text = 'weights'.repeat(10_000)
    const faults = [
      { sends: Buffer.from(text.replace('w', 'W')) },
      { sends: Buffer.from(text.slice(1)) },
      { sends: Buffer.from(`${text}more`) },
    ]
    for (const fault of faults) {
      for (const lfs of [true, false]) {
        put('model.safetensors', text, { lfs, ...fault })
        await expect(download()).rejects.toBeInstanceOf(InputError)
      }
    }
    const left = (await tree()).filter((name) => /blobs\/|model\.safetensors|refs/.test(name))
    expect(left).toEqual([])
    put('model.safetensors', text, { lfs: true })
    expect(await readFile(join((await download()).folder, 'model.safetensors'), 'utf8')).toBe(text)
  })

  it.each([-1, 1.5, 2, '2', null])(
    'keeps nothing where the listing says that a file has %j bytes',
    async (claims) => {
      for (const lfs of [false, true]) {
        put('config.json', '{"a":1}', { lfs, claims })
        await expect(download()).rejects.toThrow(InputError)
        expect((await tree()).filter((path) => /blobs\/|config\.json|refs/.test(path))).toEqual([])
      }
    },
  )

  it('says what to do when it is refused, and when there is no such thing', async () => {
    for (const status of [401, 403]) {
      hub.status = status
      await expect(download()).rejects.toThrow(
        /org\/repo: .*accept its licence at .*org\/repo, then set HF_TOKEN/,
      )
    }
    hub.status = 404
    await expect(download()).rejects.toThrow(/no such model.*\(404\)/)
    vi.stubEnv('HF_TOKEN', 'secret')
    await expect(download()).rejects.toThrow(/does not look like a token/)
  })

  it('falls back to the cache without network, with a warning, and says so where there is none', async () => {
    put('config.json', '{}')
    const { folder } = await download()
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9')
    expect((await download()).folder).toBe(folder)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/hub-offline: .*cannot be reached at http:\/\/127\.0\.0\.1:9/)
    await rm(join(root, 'hub'), { recursive: true })
    await expect(download()).rejects.toThrow(
      /cannot be reached.*download the folder elsewhere and use model\.path/,
    )
  })

  it('asks nobody when HF_HUB_OFFLINE is set', async () => {
    put('config.json', '{}')
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    await expect(download()).rejects.toThrow(/HF_HUB_OFFLINE is set and .* has no copy/)
    vi.stubEnv('HF_HUB_OFFLINE', '0')
    const { folder } = await download()
    const before = hub.requests.length
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect((await download()).folder).toBe(folder)
    expect(hub.requests).toHaveLength(before)
  })
})

const HOSTILE = [
  '../x',
  '..\\x',
  'a/../../x',
  'a/./x',
  '/x',
  '//x',
  'a//x',
  'C:\\x',
  'C:/x',
  'D:x',
  '\\\\host\\share\\x',
  'x:ads',
  'CON',
  'con.txt',
  'a/NUL.json',
  'COM1',
  'x.',
  'x ',
  ' x',
  'a./x',
  'x\0y',
  'x\ny',
  '%2e%2e',
  '%2e%2e/x',
  'a%2Fb',
  '..%5cx',
  '.git/hooks/x',
  'a/.GIT/config',
  'x'.repeat(4096),
  'x'.repeat(256),
  '..\u2215x',
  '..\uff0fx',
  '\uff0e\uff0e/x',
  'x*',
  'x?',
  '',
]

describe('hostile names', () => {
  it.each(HOSTILE)('%j never become a path', async (name) => {
    expect(unsafeName(name)).toBeTypeOf('string')
    put('config.json', '{}')
    put(name, 'owned')
    const around = await tree()
    await expect(download()).rejects.toThrow(/refuses the file name/)
    expect(await tree()).toEqual(around)
    expect(await readdir(dirname(root))).toEqual(['root'])
  })

  it.each(HOSTILE)('%j never become the folder of a commit, nor the name of a blob', async (name) => {
    put('config.json', '{}')
    hub.sha = name
    await expect(download()).rejects.toThrow(InputError)
    expect(await tree()).toEqual([])
    hub.sha = COMMIT
    for (const lfs of [false, true]) {
      put('config.json', '{}', { oid: name, lfs })
      await expect(download()).rejects.toThrow(/no usable hash/)
      expect((await tree()).filter((path) => !/^hub(\/models--org--repo)?(\/[a-z]+)?$/.test(path))).toEqual(
        [],
      )
    }
    expect(await readdir(dirname(root))).toEqual(['root'])
  })

  it('are no matter where they are not wanted', async () => {
    put('config.json', '{}')
    put('../x', 'owned')
    await download((name) => name === 'config.json')
    expect(existsSync(join(root, 'x'))).toBe(false)
  })

  it('that differ in case only are refused', async () => {
    put('a.json', '1')
    put('A.json', '2')
    await expect(download()).rejects.toThrow(/differ in case only/)
  })

  it('of repositories and revisions are refused', async () => {
    for (const repo of ['../x', 'a/b/c', 'a/..', 'https://x/y', '']) {
      await expect(
        downloadSnapshot({ repo, type: 'model', files: () => true, warn: () => {} }),
      ).rejects.toThrow(InputError)
    }
    const revision = '../../x'
    await expect(
      downloadSnapshot({ repo: 'org/repo', revision, type: 'model', files: () => true, warn: () => {} }),
    ).rejects.toThrow(/no revision/)
  })

  it('do not follow a link planted in the cache', async () => {
    put('sub/config.json', '{}')
    const outside = join(root, 'outside')
    await mkdir(outside)
    const snapshot = join(root, 'hub', 'models--org--repo', 'snapshots', COMMIT)
    await mkdir(snapshot, { recursive: true })
    await symlink(outside, join(snapshot, 'sub'))
    await expect(download()).rejects.toThrow(/leads out of the cache/)
    expect(await readdir(outside)).toEqual([])
  })

  it('that lead nowhere are told, without network', async () => {
    put('config.json', '{}')
    const { folder } = await download()
    await rm(join(root, 'hub', 'models--org--repo', 'blobs'), { recursive: true })
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    await expect(download()).rejects.toThrow(/config\.json: is a link to a file that is gone/)
    vi.stubEnv('HF_HUB_OFFLINE', '0')
    expect((await download()).folder).toBe(folder)
    expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe('{}')
  })

  it('do not read through a file of the cache that is a link to elsewhere', async () => {
    put('config.json', '{}')
    const outside = join(root, 'outside.json')
    await writeFile(outside, '[]')
    const snapshot = join(root, 'hub', 'models--org--repo', 'snapshots', COMMIT)
    await mkdir(snapshot, { recursive: true })
    await symlink(outside, join(snapshot, 'config.json'))
    await expect(download()).rejects.toThrow(/leads out of the cache, to .*outside\.json; remove that link/)
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    await mkdir(join(root, 'hub', 'models--org--repo', 'refs'))
    await writeFile(join(root, 'hub', 'models--org--repo', 'refs', 'main'), COMMIT)
    await expect(download()).rejects.toThrow(/leads out of the cache/)
  })
})

it('leaves ordinary names alone', () => {
  for (const name of [
    'a.b',
    'data/train-00000-of-00001.parquet',
    '.gitattributes',
    'con/x'.replace('con', 'cons'),
    'ü/é.json',
  ]) {
    expect(unsafeName(name)).toBeUndefined()
  }
})

it('takes a token from the file that `hf auth login` writes', async () => {
  vi.stubEnv('HF_TOKEN', undefined)
  await mkdir(join(root, 'home'))
  await writeFile(join(root, 'home', 'token'), 'hf_fromfile\n')
  put('config.json', '{}')
  await download()
  expect(hub.requests[0]?.token).toBe('Bearer hf_fromfile')
})

it('takes a token from the file that HF_TOKEN_PATH names', async () => {
  vi.stubEnv('HF_TOKEN', undefined)
  vi.stubEnv('HF_TOKEN_PATH', join(root, 'elsewhere'))
  await writeFile(join(root, 'elsewhere'), ' hf_elsewhere \n')
  put('config.json', '{}')
  await download()
  expect(hub.requests[0]?.token).toBe('Bearer hf_elsewhere')
})
