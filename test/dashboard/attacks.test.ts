/**
 * @file Attacks that got into the dashboards of others, each against every route that the server itself lists.
 * None may get in, and what is refused must be refused before anything is read or changed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dashboard, startDashboard } from '../../src/dashboard/server/server.ts'
import { runKey } from '../../src/track/run-key.ts'
import { watchLag } from '../helpers/lag.ts'
import { answers, makeRun } from '../helpers/run-folders.ts'
import { makeSweep } from '../helpers/sweep-folders.ts'
import { tempFolder } from '../helpers/temp.ts'
import { type Ask, ask, raw } from './ask.ts'

const SECRET = 'TOP-SECRET-OUTSIDE'
const assets = { script: 'void 0', style: 'p{}' }

let root: string
let server: Dashboard
let errors: unknown[]
/** Runs of the folder, and one that is not. */
const key = runKey('a')

beforeAll(async () => {
  const outside = tempFolder()
  writeFileSync(join(outside, 'secret.txt'), SECRET)
  writeFileSync(join(outside, 'resolved.json'), JSON.stringify({ recipe: { x: SECRET } }))
  root = join(outside, 'runs')
  mkdirSync(root)
  const items = { exam: { base: answers(5, () => true), tuned: answers(5, (i) => i > 2) } }
  makeRun(root, { id: 'a', items })
  const b = makeRun(root, { id: 'b', items, status: 'failed' })
  writeFileSync(join(outside, 'error.txt'), SECRET)
  writeFileSync(
    join(outside, 'leak.jsonl'),
    JSON.stringify({ id: 'q0', prompt: SECRET, prediction: SECRET, score: 1, weight: 1 }),
  )
  const links = {
    'recipe.yaml': 'secret.txt',
    'resolved.json': 'resolved.json',
    'eval/leak.tuned.jsonl': 'leak.jsonl',
    logs: '.',
  }
  for (const [name, target] of Object.entries(links)) {
    rmSync(join(b, name), { force: true })
    symlinkSync(join(outside, target), join(b, name))
  }
  symlinkSync(outside, join(root, 'linked'))
  makeSweep(root, 'sweep', { id: 'abcd0001' })
  const leak = makeSweep(root, 'leak', { id: 'abcd0002' })
  const elsewhere = makeSweep(outside, 'elsewhere', { id: 'abcd0003', name: SECRET })
  rmSync(join(leak, 'sweep.jsonl'))
  symlinkSync(join(elsewhere, 'sweep.jsonl'), join(leak, 'sweep.jsonl'))
  errors = []
  server = await startDashboard({ root, port: 0, assets, onError: (error) => errors.push(error) })
  await server.library.rows()
})

afterAll(async () => {
  expect(errors).toEqual([])
  await server.close()
})

const cookie = (): string => `${server.cookie}=${server.token}`

/** A request that is right in everything, for each route; an attack changes one thing. */
function good(path: string, method: string): Ask {
  const query = {
    '/api/series': `?run=${key}&metric=loss`,
    '/api/compare': `?run=${key},${runKey('b')}`,
    '/api/sweep': `?sweep=${runKey('sweep')}`,
  }[path]
  const other = path.startsWith('/api/') ? `?run=${key}&evaluation=exam&item=q0` : ''
  const body = method === 'POST' ? { body: '{"tags":["x"]}' } : {}
  const headers: Record<string, string> = { Cookie: cookie() }
  if (method === 'POST') headers['Content-Type'] = 'application/json'
  return { method, path: `${path}${query ?? other}`, headers, ...body }
}

const changed = (base: Ask, headers: Record<string, string | undefined>): Ask => ({
  ...base,
  headers: { ...base.headers, ...headers },
})

const eachRoute = async (attack: (base: Ask) => Promise<void>): Promise<void> => {
  expect(server.routes.length).toBeGreaterThanOrEqual(12)
  for (const { method, path } of server.routes) await attack(good(path, method))
}

const notes = (): string =>
  existsSync(join(root, 'a', 'notes.json')) ? readFileSync(join(root, 'a', 'notes.json'), 'utf8') : ''

test('with everything right, every route answers', async () => {
  await eachRoute(async (base) => {
    const { status, headers } = await ask(server.port, base)
    expect([base.path, status]).toEqual([base.path, 200])
    expect(headers['content-security-policy']).toMatch(/default-src 'none'|sandbox/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })
  expect(JSON.parse(notes())).toEqual({ tags: ['x'], note: '' })
})

test('it listens on this machine alone', () => {
  const listening = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      (fields) =>
        fields[3] === '0A' &&
        fields[1]?.endsWith(`:${server.port.toString(16).toUpperCase().padStart(4, '0')}`),
    )
  expect(listening.map((fields) => fields[1]!.split(':')[0])).toEqual(['0100007F'])
})

describe('Host', () => {
  const hosts = (port: number): string[] => [
    'evil.example',
    `evil.example:${port}`,
    `localhost.evil.example:${port}`,
    `127.0.0.1.nip.io:${port}`,
    'localhost',
    `localhost:${port + 1}`,
    `127.0.0.1:80`,
    `127.0.0.1:${port}.evil.example`,
    `0.0.0.0:${port}`,
    '',
    ' ',
    `user@127.0.0.1:${port}`,
    `127.0.0.1:${port},evil.example`,
    `LOCALHOST.:${port}`,
    `[::]:${port}`,
    `127.1:${port}`,
  ]
  test('a name that is not this machine is refused on every route, with the token too', async () => {
    for (const host of hosts(server.port)) {
      await eachRoute(async (base) => {
        const { status, body } = await ask(server.port, changed(base, { Host: host }))
        expect([host, [400, 403].includes(status), body.includes('exam')]).toEqual([host, true, false])
      })
    }
  })
  test('none, two of them, and an address of another host in the request line', async () => {
    const head = `Cookie: ${cookie()}\r\nConnection: close\r\n\r\n`
    const own = `Host: 127.0.0.1:${server.port}\r\n`
    for (const { method, path } of server.routes) {
      const lines = [
        `${method} ${path} HTTP/1.1\r\n${head}`,
        `${method} ${path} HTTP/1.0\r\n${head}`,
        `${method} ${path} HTTP/1.1\r\n${own}Host: evil.example\r\n${head}`,
        `${method} http://evil.example${path} HTTP/1.1\r\n${own}${head}`,
        `${method} //evil.example${path} HTTP/1.1\r\n${own}${head}`,
        `${method} /\\evil.example${path} HTTP/1.1\r\n${own}${head}`,
      ]
      for (const line of lines) expect([400, 403]).toContain((await raw(server.port, line)).status)
    }
  })
})

test('Origin of another page, null and look-alikes are refused, with and without the cookie', async () => {
  const origins = [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    `http://127.0.0.1:${server.port + 1}`,
    `https://127.0.0.1:${server.port}`,
    `http://127.0.0.1:${server.port}.evil.example`,
    'file://',
  ]
  for (const origin of origins) {
    await eachRoute(async (base) => {
      for (const headers of [{ Origin: origin }, { Origin: origin, Cookie: undefined }]) {
        const answer = await ask(server.port, changed(base, headers))
        expect([origin, answer.status]).toEqual([origin, 403])
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
        expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
      }
    })
  }
})

test('what a browser says of its page is believed: cross-site and same-site are refused', async () => {
  for (const site of ['cross-site', 'same-site', 'other']) {
    await eachRoute(async (base) => {
      expect((await ask(server.port, changed(base, { 'Sec-Fetch-Site': site }))).status).toBe(403)
    })
  }
})

test('a preflight is not answered', async () => {
  await eachRoute(async (base) => {
    const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' }
    const answer = await ask(server.port, { ...changed(base, headers), method: 'OPTIONS' })
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

test('without the token, or with a wrong one, every route says 401', async () => {
  const wrong = [
    undefined,
    '',
    `${server.cookie}=`,
    `${server.cookie}=${server.token}x`,
    `${server.cookie}=${server.token.slice(0, -1)}`,
    `other=${server.token}`,
    `medtune-1=${server.token}`,
    `${server.cookie}=undefined`,
  ]
  for (const value of wrong) {
    await eachRoute(async (base) => {
      const answer = await ask(server.port, changed(base, { Cookie: value }))
      expect([value, answer.status]).toEqual([value, 401])
    })
  }
  await eachRoute(async (base) => {
    const inAddress = { ...base, path: `${base.path}${base.path.includes('?') ? '&' : '?'}token=wrong` }
    expect((await ask(server.port, changed(inAddress, { Cookie: undefined }))).status).toBe(401)
  })
})

test('the token moves from the address into a cookie, and stands nowhere else', async () => {
  const answer = await ask(server.port, { path: `/?token=${server.token}` })
  expect([answer.status, answer.headers.location]).toEqual([303, '/'])
  expect(answer.headers['set-cookie']).toBe(
    `${server.cookie}=${server.token}; HttpOnly; SameSite=Strict; Path=/`,
  )
  expect(Buffer.from(server.token, 'base64url').length).toBeGreaterThanOrEqual(16)
  for (const { method, path } of server.routes) {
    if (path === '/api/events') continue
    expect((await ask(server.port, good(path, method))).body).not.toContain(server.token)
  }
  const bearer = { path: '/api/runs', headers: { Authorization: `Bearer ${server.token}` } }
  expect((await ask(server.port, bearer)).status).toBe(200)
})

describe('changing something', () => {
  const post = (): Ask => ({ ...good('/api/notes', 'POST'), body: '{"tags":["attacked"]}' })
  test.each([
    undefined,
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/json; charset=utf-7',
    'application/jsonp',
    'application/json,text/plain',
  ])('a body of type %s is not taken', async (type) => {
    expect((await ask(server.port, changed(post(), { 'Content-Type': type }))).status).toBe(415)
    expect(notes()).not.toContain('attacked')
  })
  test('no GET changes anything, and no other method is known', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
      const answer = await ask(server.port, { ...post(), method })
      expect([method, answer.status]).toEqual([method, 405])
    }
    await eachRoute(async (base) => {
      if (base.method === 'GET')
        expect((await ask(server.port, { ...base, method: 'POST' })).status).toBe(405)
      const override = changed(base, { 'X-HTTP-Method-Override': 'POST', 'X-Method-Override': 'DELETE' })
      await ask(server.port, {
        ...override,
        path: `${override.path}${override.path.includes('?') ? '&' : '?'}_method=POST`,
      })
    })
    expect(JSON.parse(notes())).toEqual({ tags: ['x'], note: '' })
  })
  test.each([
    ['not json', 400],
    ['[]', 400],
    ['null', 400],
    ['{"tags":"x"}', 400],
    ['{"tags":[1]}', 400],
    ['{"note":{}}', 400],
    ['{"tags":["a,b"]}', 400],
    [`{"note":"${'x'.repeat(20_000)}"}`, 400],
    ['['.repeat(10_000), 400],
    [`{"tags":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400],
    [`{"note":"${'x'.repeat(70_000)}"}`, 413],
  ])('a bad body is refused: %.30s', async (body, status) => {
    expect((await ask(server.port, { ...good('/api/notes', 'POST'), body })).status).toBe(status)
    expect(JSON.parse(notes())).toEqual({ tags: ['x'], note: '' })
  })
  test('a body cannot reach a prototype', async () => {
    const body = '{"__proto__":{"tags":["y"]},"constructor":{"prototype":{"z":1}},"note":"n"}'
    expect((await ask(server.port, { ...good('/api/notes', 'POST'), body })).status).toBe(200)
    expect(JSON.parse(notes())).toEqual({ tags: ['x'], note: 'n' })
    expect(({} as Record<string, unknown>).z).toBeUndefined()
    await ask(server.port, { ...good('/api/notes', 'POST'), body: '{"note":""}' })
  })
  test('a read-only server has no route that changes anything', async () => {
    const other = await startDashboard({ root, port: 0, assets, readOnly: true })
    expect(other.routes.filter(({ method }) => method !== 'GET')).toEqual([])
    const headers = { Cookie: `${other.cookie}=${other.token}`, 'Content-Type': 'application/json' }
    expect(
      (await ask(other.port, { method: 'POST', path: `/api/notes?run=${key}`, headers, body: '{}' })).status,
    ).toBe(404)
    await other.close()
  })
})

/** Names that led out of the folder in one dashboard or another. */
const PATHS = [
  '../secret.txt',
  '..\\secret.txt',
  'a/../../secret.txt',
  '/etc/passwd',
  '//etc/passwd',
  'C:\\x',
  '\\\\h\\s\\x',
  'x:ads',
  'CON',
  '%2e%2e/secret.txt',
  '%2e%2e%2fsecret.txt',
  '..%2fsecret.txt',
  '..%5csecret.txt',
  '%252e%252e%252fsecret.txt',
  '%c0%ae%c0%ae/secret.txt',
  '..;/secret.txt',
  '..%00/secret.txt',
  'a%00.txt',
  '....//secret.txt',
  '.%2e/secret.txt',
  '..%ef%bc%8fsecret.txt',
  '%2fetc%2fpasswd',
  'file:///etc/passwd',
  'a?/../secret.txt',
  'a#/../secret.txt',
  '.git/config',
  'linked/secret.txt',
  'b/logs/secret.txt',
  'x'.repeat(4096),
  'a/events.jsonl::$DATA',
  'A~1',
  '..%u2215secret.txt',
  '__proto__',
  'constructor',
  'a/.',
  'a/',
  '.',
  '..',
  '',
]

test('no name leads out of the folder: as a path, and as every parameter of every route', async () => {
  for (const name of PATHS) {
    const direct = await ask(server.port, {
      path: `/${name.replaceAll(' ', '%20').replaceAll('\\', '%5c')}`,
      headers: { Cookie: cookie() },
    })
    expect(direct.body).not.toContain(SECRET)
    if (name !== '' && name !== '.' && !name.startsWith('?'))
      expect([name, [400, 403, 404].includes(direct.status)]).toEqual([name, true])
    for (const path of ['/app.js', '/app.css', '/api/run']) {
      const below = await ask(server.port, {
        path: `${path}/${name.replaceAll(' ', '').replaceAll('\\', '%5c')}`,
        headers: { Cookie: cookie() },
      })
      expect([400, 404]).toContain(below.status)
    }
  }
})

test.each(['run', 'sweep', 'evaluation', 'item', 'metric', 'since', 'search'])(
  'no name leads out of the folder as parameter %s',
  async (parameter) => {
    for (const name of PATHS) {
      for (const { method, path } of server.routes) {
        if (!path.startsWith('/api/') || (path === '/api/events' && parameter !== 'since')) continue
        const params = new URLSearchParams(good(path, method).path.split('?')[1])
        params.set(parameter, name)
        const answer = await ask(server.port, { ...good(path, method), path: `${path}?${params}` })
        expect(answer.body).not.toContain(SECRET)
        expect([path, name, answer.status < 500]).toEqual([path, name, true])
        // Sent twice encoded, what is decoded once stays a name that nothing has.
        expect(answer.body).not.toContain('root:')
      }
    }
  },
  120_000,
)

test('a link out of a run folder is not followed, by any route', async () => {
  const b = runKey('b')
  for (const { method, path } of server.routes) {
    if (method !== 'GET' || path === '/api/events') continue
    const query = `run=${b}&sweep=${runKey('leak')}&evaluation=leak&item=q0&metric=loss&show=all`
    const answer = await ask(server.port, { path: `${path}?${query}`, headers: { Cookie: cookie() } })
    expect([200, 404]).toContain(answer.status)
    expect(answer.body).not.toContain(SECRET)
    if (path === '/api/report') expect(unpacked(answer.body)).not.toContain(SECRET)
  }
  const { rows } = JSON.parse((await ask(server.port, good('/api/runs', 'GET'))).body)
  expect(rows.map((row: { id: string }) => row.id).sort()).toEqual(['a', 'b'])
})

/** The data of a report. */
function unpacked(html: string): string {
  const text = /id="medtune-report">([^<]*)</.exec(html)![1]!
  const data = gunzipSync(Buffer.from(text, 'base64')).toString('utf8')
  expect(data).toContain('"runs":[{')
  return data
}

test('numbers beyond reason are refused or cut, and names no folder of the machine', async () => {
  for (const value of [
    '1e9',
    '-1',
    'NaN',
    'Infinity',
    '1e999',
    'abc',
    '0x10',
    '9'.repeat(400),
    '[]',
    "' or 1=1",
  ]) {
    for (const parameter of ['buckets', 'from', 'to', 'smoothing', 'offset', 'limit', 'log', 'x', 'show']) {
      for (const { method, path } of server.routes) {
        if (path === '/api/events') continue
        const params = new URLSearchParams(good(path, method).path.split('?')[1])
        params.set(parameter, value)
        const answer = await ask(server.port, { ...good(path, method), path: `${path}?${params}` })
        expect([path, parameter, value, [200, 400].includes(answer.status)]).toEqual([
          path,
          parameter,
          value,
          true,
        ])
        expect(answer.body).not.toContain(root)
        expect(answer.body.length).toBeLessThan(1e6)
      }
    }
  }
}, 120_000)

test('what it says of a failure has no stack and no folder', async () => {
  for (const path of [
    '/nowhere',
    '/api/run?run=nothing',
    '/api/series',
    '/api/samples?run=x',
    '/%',
    '/%zz',
    '/api/run?run=%',
  ]) {
    const answer = await ask(server.port, { path, headers: { Cookie: cookie() } })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
    expect(answer.body).not.toMatch(/\n +at |\/src\/|node_modules|\/tmp\//)
  }
})

test('text of runs comes as JSON that no browser takes for a page', async () => {
  makeRun(root, {
    id: 'x',
    name: '<script>alert(1)</script>',
    items: {
      '<img src=x onerror=alert(1)>': { base: answers(1, () => true), tuned: answers(1, () => true) },
    },
  })
  await server.library.refresh('x')
  for (const { method, path } of server.routes) {
    if (!path.startsWith('/api/') || path === '/api/events') continue
    const base = good(path, method)
    const answer = await ask(server.port, { ...base, path: base.path.replace(key, runKey('x')) })
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    if (path === '/api/report') {
      expect(answer.headers['content-disposition']).toMatch(/^attachment/)
      expect(answer.body.split('<body>')[0]).not.toContain('alert(1)')
      expect(answer.body).not.toContain('<script>alert(1)')
    } else expect(answer.headers['content-type']).toMatch(/^application\/(json|octet-stream)|^text\/plain/)
  }
})

test('half a request, a slow one and rubbish do not keep the server from answering', async () => {
  const sockets = Array.from({ length: 50 }, (_, i) => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
    socket.write(
      [
        'GET / HTTP/1.1\r\nX: ',
        '\u0000\u0001\u0002rubbish\r\n\r\n',
        'POST /api/notes HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n',
        `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(5000)}`,
      ][i % 4]!,
    )
    return socket
  })
  expect((await ask(server.port, good('/api/runs', 'GET'))).status).toBe(200)
  for (const socket of sockets) socket.destroy()
})

test('1,000 event streams: those beyond the limit are told to come back, and the loop never lags 200 ms', async () => {
  const agent = new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
  const open = (): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { Cookie: cookie() }
      const request = http.get({ port: server.port, path: '/api/events?since=', headers, agent }, resolve)
      request.on('error', reject)
    })
  const lag = watchLag()
  const responses: http.IncomingMessage[] = []
  for (let batch = 0; batch < 20; batch++) {
    responses.push(...(await Promise.all(Array.from({ length: 50 }, open))))
  }
  const codes = responses.map(({ statusCode }) => statusCode)
  let heard = 0
  for (const response of responses) {
    response.on('error', () => undefined)
    response.on('data', (data: Buffer) => {
      if (data.includes('"id":"a"')) heard++
    })
  }
  await ask(server.port, { ...good('/api/notes', 'POST'), body: '{"note":"to all"}' })
  expect((await ask(server.port, good('/api/runs', 'GET'))).status).toBe(200)
  const listening = codes.filter((code) => code === 200).length
  for (let wait = 0; wait < 100 && heard < listening; wait++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  lag.stop()
  for (const response of responses) response.destroy()
  expect(codes.filter((code) => code !== 200 && code !== 503)).toEqual([])
  expect(listening).toBeGreaterThan(100)
  expect(heard).toBe(listening)
  expect(responses.find(({ statusCode }) => statusCode === 503)!.headers['retry-after']).toBe('5')
  expect(lag.longest()).toBeLessThan(200)
}, 60_000)

test('the server asks nobody for anything', () => {
  const handles = (
    process as unknown as { _getActiveHandles(): { remotePort?: number; remoteAddress?: string }[] }
  )._getActiveHandles()
  const outgoing = handles.filter(
    ({ remoteAddress }) => remoteAddress && !/^(::ffff:)?127\.|^::1$/.test(remoteAddress),
  )
  expect(outgoing).toEqual([])
})
