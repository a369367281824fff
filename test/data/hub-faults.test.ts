/** @file What goes wrong between a Hub and its user, over real HTTP: cuts, refusals, redirects, full disks, other processes. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { downloadSnapshot } from '../../src/data/index.ts'
import { InputError } from '../../src/plugin/contract.ts'
import { PATIENCE, type Patience, retryAfter } from '../../src/util/retry.ts'
import { COMMIT, type FakeHub, startFakeHub } from '../helpers/fake-hub.ts'
import { tempFolder } from '../helpers/temp.ts'

const TEXT = 'weights of a model. '.repeat(10_000)

let hub: FakeHub
let root: string

beforeEach(async () => {
  hub = await startFakeHub('org/repo')
  root = tempFolder()
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HUB_CACHE', join(root, 'hub'))
  vi.stubEnv('HF_HOME', join(root, 'home'))
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    vi.stubEnv(name, undefined)
    vi.stubEnv(name.toUpperCase(), undefined)
  }
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

const put = (more = {}, text = TEXT) =>
  hub.files.set('model.safetensors', { content: Buffer.from(text), lfs: true, ...more })
const download = (patience: Partial<Patience> = {}, progress?: (done: number, total: number) => void) =>
  downloadSnapshot({
    repo: 'org/repo',
    type: 'model',
    files: () => true,
    warn: () => {},
    progress,
    patience: { ...PATIENCE, delayMs: 5, ...patience },
  })
const content = async ({ folder }: { folder: string }) => readFile(join(folder, 'model.safetensors'), 'utf8')
const blobs = () => join(root, 'hub', 'models--org--repo', 'blobs')
const drafts = async () => (await readdir(blobs())).filter((name) => name.endsWith('.incomplete'))
const ranges = () => hub.requests.map(({ range }) => range).filter((range) => range !== undefined)

describe('a cut connection', () => {
  it('is gone on with behind what came', async () => {
    put({ cutAt: 70_000 })
    const steps: number[] = []
    expect(await content(await download({}, (done) => steps.push(done)))).toBe(TEXT)
    expect(ranges()).toEqual(['bytes=70000-', 'bytes=140000-'])
    expect(hub.sent).toBe(TEXT.length)
    expect(steps.at(-1)).toBe(TEXT.length)
    expect(await drafts()).toEqual([])
  })

  it('that stays cut leaves its part for the next run', async () => {
    put({ cutAt: 70_000 })
    await expect(download({ attempts: 1 })).rejects.toThrow(/cannot be reached .*UND_ERR_SOCKET/)
    expect((await readdir(join(root, 'hub', 'models--org--repo'))).sort()).toEqual(['blobs', 'snapshots'])
    expect(await drafts()).toHaveLength(1)
    put()
    expect(await content(await download())).toBe(TEXT)
    expect(ranges()).toEqual(['bytes=70000-'])
    expect(await drafts()).toEqual([])
  })

  it('begins again where the server cannot send a part', async () => {
    put({ cutAt: 70_000 })
    await expect(download({ attempts: 1 })).rejects.toThrow(InputError)
    hub.ranges = false
    put()
    expect(await content(await download())).toBe(TEXT)
    expect(hub.sent).toBe(70_000 + TEXT.length)
  })

  it('begins again where what was left behind is wrong', async () => {
    put({ cutAt: 70_000 })
    await expect(download({ attempts: 1 })).rejects.toThrow(InputError)
    const [draft] = await drafts()
    for (const damage of [TEXT.slice(0, 70_000).replace('w', 'W'), `${TEXT}more`]) {
      await writeFile(join(blobs(), draft!), damage)
      put()
      expect(await content(await download())).toBe(TEXT)
      await rm(join(root, 'hub'), { recursive: true })
      await mkdir(blobs(), { recursive: true })
    }
  })

  it('is also what a long silence counts as', async () => {
    const text = TEXT.slice(0, 40_000)
    put({ slow: 400 }, text)
    expect(await content(await download({ attempts: 2, stallMs: 50 }))).toBe(text)
    expect(ranges().length).toBeGreaterThan(2)
  })
})

describe('a Hub that is out of order', () => {
  it('is asked again after 429 when it says, and after 500 and 503', async () => {
    put()
    hub.faults.push({ status: 429, headers: { 'retry-after': '1' } }, { status: 500 }, { status: 503 })
    const start = performance.now()
    expect(await content(await download())).toBe(TEXT)
    expect(performance.now() - start).toBeGreaterThan(990)
    expect(hub.requests).toHaveLength(6)
  })

  it('that stays so, or asks for too long a wait, is told', async () => {
    hub.status = 500
    await expect(download({ attempts: 3 })).rejects.toThrow(/status 500; try again later/)
    expect(hub.requests).toHaveLength(3)
    hub.status = 200
    hub.faults.push({ status: 429, headers: { 'retry-after': '3600' } })
    await expect(download()).rejects.toThrow(/too many requests \(429\)/)
    expect(hub.requests).toHaveLength(4)
  })

  it('in the middle of a download is asked again, too', async () => {
    put({ cutAt: 150_000 })
    hub.faults.push(...[200, 200, 502, 200, 503].map((status) => ({ status })))
    expect(await content(await download())).toBe(TEXT)
    expect(ranges()).toEqual(['bytes=150000-', 'bytes=150000-'])
  })

  it('lists what it does not have', async () => {
    put({ gone: true })
    await expect(download()).rejects.toThrow(
      /model\.safetensors: .* is missing, though the repository lists it/,
    )
  })

  it('Retry-After is read as seconds and as a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfter('3', now)).toBe(3000)
    expect(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000)
    expect(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    expect([retryAfter('soon', now), retryAfter('', now), retryAfter(null, now)]).toEqual(
      Array(3).fill(undefined),
    )
  })
})

describe('a redirect', () => {
  it('to another host is followed without the token', async () => {
    const other = await startFakeHub('org/repo')
    onTestFinished(() => other.close())
    other.files.set('model.safetensors', { content: Buffer.from(TEXT), cutAt: 150_000 })
    put()
    hub.redirect = other.url
    expect(await content(await download())).toBe(TEXT)
    expect(other.requests.map(({ token, range }) => [token, range])).toEqual([
      [undefined, undefined],
      [undefined, 'bytes=150000-'],
    ])
    expect(hub.requests.every(({ token }) => token === 'Bearer hf_secret')).toBe(true)
  })

  it('in a circle or to something else than HTTP ends', async () => {
    put()
    hub.redirect = hub.url
    await expect(download()).rejects.toThrow(/redirects more than 5 times/)
    hub.redirect = 'file:///etc'
    await expect(download()).rejects.toThrow(/redirects to file:.*, which is not followed/)
  })

  it('in the link to the next page of a listing does not get the token', async () => {
    const other = await startFakeHub('org/repo')
    onTestFinished(() => other.close())
    const first = createServer((request, response) => {
      const next = `<${other.url}/api/models/org/repo/tree/${COMMIT}>; rel="next"`
      const listing = request.url!.includes('/tree/')
      const body = listing ? [] : { _id: '1', id: 'org/repo', sha: COMMIT, lastModified: '2026-01-01' }
      response.writeHead(200, { 'content-type': 'application/json', ...(listing ? { link: next } : {}) })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void first.close())
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(first.address() as AddressInfo).port}`)
    await expect(download()).rejects.toThrow(/none of its 0 files/)
    expect(other.requests).toEqual([
      { path: `/api/models/org/repo/tree/${COMMIT}`, token: undefined, range: undefined },
    ])
  })
})

describe('a proxy', () => {
  it('of the environment is gone through, unless NO_PROXY says otherwise', async () => {
    put()
    const proxy = await startProxy()
    vi.stubEnv('HTTP_PROXY', proxy.url)
    expect(await content(await download())).toBe(TEXT)
    expect(proxy.asked.length).toBeGreaterThan(0)
    const before = proxy.asked.length
    vi.stubEnv('NO_PROXY', '127.0.0.1')
    await download()
    expect(proxy.asked).toHaveLength(before)
  })

  it('that is not there or has no address is named, without its password', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://me:secret@127.0.0.1:1')
    const error = await download().catch((reason: Error) => reason)
    expect(error).toMatchObject({
      message: expect.stringMatching(/through the proxy http:\/\/127\.0\.0\.1:1/),
    })
    expect((error as Error).message).not.toContain('secret')
    vi.stubEnv('HTTP_PROXY', 'no address')
    await expect(download()).rejects.toThrow(/HTTPS_PROXY or HTTP_PROXY is no usable address/)
  })
})

describe('the cache', () => {
  it('that has too little room is told before the download', async () => {
    put({ claims: 2 ** 52 })
    await expect(download()).rejects.toThrow(/4,503,\d+,\d+ MB are to be downloaded and .* has .* MB left/)
    expect(ranges()).toEqual([])
    expect(hub.sent).toBe(0)
  })

  it('that is a file, or may not be written, is told with what to do', async () => {
    put()
    writeFileSync(join(root, 'file'), '')
    vi.stubEnv('HF_HUB_CACHE', join(root, 'file', 'hub'))
    await expect(download()).rejects.toThrow(/cannot be written: .* is a file \(ENOTDIR\)\. Set HF_HOME/)
    if (process.getuid?.() === 0) return // root may write anywhere
    mkdirSync(join(root, 'closed'))
    chmodSync(join(root, 'closed'), 0o555)
    vi.stubEnv('HF_HUB_CACHE', join(root, 'closed'))
    await expect(download()).rejects.toThrow(/you may not write there \(EACCES\)/)
  })

  it('on a disk that fills up, or that is read-only, leaves nothing half-written', async ({ skip }) => {
    const disk = join(root, 'disk')
    mkdirSync(disk)
    const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' })
    try {
      mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk)
    } catch {
      skip('mounting a small disk needs the rights of root')
    }
    onTestFinished(() => void execFileSync('umount', [disk]))
    vi.stubEnv('HF_HUB_CACHE', join(disk, 'hub'))
    put({ slow: 5 })
    // The disk fills up while the download is under way.
    const filler = setTimeout(() => writeFileSync(join(disk, 'other'), Buffer.alloc(150_000)), 30)
    await expect(download()).rejects.toThrow(/the disk is full \(ENOSPC\)\. Set HF_HOME/)
    clearTimeout(filler)
    const left = await readdir(disk, { recursive: true })
    expect(left.filter((name) => /incomplete|model\.safetensors|refs/.test(name))).toEqual([])
    execFileSync('rm', [join(disk, 'other')])
    put()
    await download()
    mount('-o', 'remount,ro', disk)
    expect(await content(await download())).toBe(TEXT)
    hub.files.set('new.json', { content: Buffer.from('{}') })
    await expect(download()).rejects.toThrow(/it lies on a read-only disk \(EROFS\)/)
  })

  it('is mended where a file in it has another size', async () => {
    put()
    const { folder } = await download()
    await writeFile(join(folder, 'model.safetensors'), 'half')
    expect(await content(await download())).toBe(TEXT)
  })
})

describe('another process', () => {
  const SCRIPT = `
    import { downloadSnapshot } from ${JSON.stringify(fileURLToPath(new URL('../../src/data/hub.ts', import.meta.url)))}
    const { folder } = await downloadSnapshot({ repo: 'org/repo', type: 'model', files: () => true, warn() {} })
    const { readFileSync } = await import('node:fs')
    process.stdout.write(String(readFileSync(folder + '/model.safetensors').length))`
  const start = () => {
    const script = join(root, 'fetch.mts')
    writeFileSync(script, SCRIPT)
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
      env: process.env,
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (data) => {
      stdout += data
    })
    child.stderr.on('data', (data) => {
      stderr += data
    })
    const done = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stdout, stderr })),
    )
    return { child, done }
  }

  it('that downloads the same is waited for: both have all of it, sent once', async () => {
    put({ slow: 40 })
    const [one, two] = await Promise.all([start().done, start().done])
    for (const { code, stdout, stderr } of [one, two]) {
      expect([code, stdout, stderr]).toEqual([0, String(TEXT.length), ''])
    }
    expect(hub.sent).toBeLessThan(1.5 * TEXT.length)
    expect(await drafts()).toEqual([])
  })

  it('that was killed leaves its part to the next at once', async () => {
    put({ slow: 40 })
    const { child, done } = start()
    await vi.waitFor(
      async () => {
        const [draft] = await drafts()
        expect((await stat(join(blobs(), draft!))).size).toBeGreaterThan(30_000)
      },
      { timeout: 20_000, interval: 20 },
    )
    child.kill('SIGKILL')
    await done
    put()
    expect(await content(await download())).toBe(TEXT)
    expect(Number(/\d+/.exec(ranges()[0]!)![0])).toBeGreaterThan(30_000)
  })

  it('on another machine that has not written for long is not waited for', async () => {
    put()
    await mkdir(blobs(), { recursive: true })
    const { createHash } = await import('node:crypto')
    const name = createHash('sha256').update(TEXT).digest('hex')
    const draft = join(blobs(), `${name}.00000000-1-00000000.incomplete`)
    await writeFile(draft, TEXT.slice(0, 1000))
    await utimes(draft, 0, 0)
    expect(await content(await download())).toBe(TEXT)
    expect(ranges()).toEqual(['bytes=1000-'])
  })
})

/** A proxy that tunnels (CONNECT) and forwards. */
async function startProxy() {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    const { method, headers } = request
    httpRequest(request.url!, { method: method!, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    }).end()
  })
  server.on('connect', (request, socket) => {
    asked.push(request.url!)
    const [host, port] = request.url!.split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket)
      socket.pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
