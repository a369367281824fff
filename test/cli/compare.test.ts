/** @file `medtune runs` and `compare` as a user starts them, on run folders made for it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { beforeAll, expect, test } from 'vitest'
import { main } from '../../src/cli/program.ts'
import { answers, makeRun } from '../helpers/run-folders.ts'
import { makeSweep } from '../helpers/sweep-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

const HOSTILE = '=cmd|\u001b[31m<script>alert(1)</script>\u202e [x](http://evil.example) `a` | b'

let root: string

beforeAll(() => {
  root = tempFolder()
  const exam = (right: (i: number) => boolean) => ({
    exam: { base: answers(40, (i) => i % 4 === 0), tuned: answers(40, right) },
  })
  const lora = (rank: number) => ({ adapter: { use: 'lora', rank } })
  makeRun(root, { id: '2026-01-01-a', config: lora(8), items: exam((i) => i % 2 === 0) })
  makeRun(root, { id: '2026-01-02-b', config: lora(16), items: exam((i) => i % 2 === 0 || i < 30) })
  makeRun(root, {
    id: '2026-01-03-c',
    config: lora(32),
    status: 'failed',
    loss: () => Number.NaN,
    record: { reason: 'diverged' },
  })
  makeRun(root, {
    id: '2026-01-04-d',
    name: HOSTILE,
    items: {
      exam: {
        base: answers(9, () => true),
        tuned: answers(9, () => true).map((item) => ({
          ...item,
          detail: { ...item.detail, prediction: HOSTILE },
        })),
      },
    },
  })
})

const medtune = (...words: string[]) => medtuneIn(root, ...words)

/** Runs the program in this process; what it prints and how it ends. */
async function medtuneIn(
  runsDir: string,
  ...words: string[]
): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: string[][] = [[], []]
  const saved = [process.stdout.write, process.stderr.write] as const
  process.stdout.write = ((text: string) => out!.push(text) > 0) as typeof process.stdout.write
  process.stderr.write = ((text: string) => err!.push(text) > 0) as typeof process.stderr.write
  try {
    const code = await main([...words, '--runs-dir', runsDir])
    return { code, out: out!.join(''), err: err!.join('') }
  } finally {
    ;[process.stdout.write, process.stderr.write] = saved
  }
}

test('runs lists the newest first, with the settings that differ and how each went', async () => {
  const { code, out } = await medtune('runs', '--filter', 'not name ~ script')
  expect(code).toBe(0)
  const [head, ...lines] = out.trimEnd().split('\n')
  expect(head).toMatch(/^id +status +time +step +adapter\.rank +loss +exam\.accuracy$/)
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ['2026-01-03-c', 'failed', '20 s', '20/20', '32', 'NaN'],
    ['2026-01-02-b', 'done', '20 s', '20/20', '16', '2.1500', '87.5 %'],
    ['2026-01-01-a', 'done', '20 s', '20/20', '8', '2.1500', '50.0 %'],
  ])
})

test('a loss that was measured while training is compared without a word of chance', async () => {
  const folder = tempFolder()
  for (const [id, loss] of [
    ['one', 2.5],
    ['two', 2],
  ] as const) {
    const event = { time: '2026-11-22T10:00:20Z', type: 'eval', step: 20, name: 'holdout', scores: { loss } }
    makeRun(folder, { id, tail: `${JSON.stringify(event)}\n` })
  }
  const { out } = await medtune('compare', join(folder, 'one'), join(folder, 'two'))
  const part = out.slice(out.indexOf('holdout: loss'))
  expect(part).toMatch(/^A +- +2\.5000 +-\s*$/m)
  expect(part).toMatch(/^B +- +2\.0000 +- +-0\.5000\s*$/m)
  expect(part).toContain('only figures were recorded, so chance is not told')
})

test('runs filters, sorts, limits and picks columns; what is missing comes last', async () => {
  const ids = async (...words: string[]): Promise<string[]> =>
    (await medtune('runs', '--columns', 'id', ...words)).out.trimEnd().split('\n').slice(1)
  expect(await ids('--filter', 'rank >= 16')).toEqual(['2026-01-03-c', '2026-01-02-b'])
  expect(await ids('--sort', 'exam.accuracy')).toEqual([
    '2026-01-01-a',
    '2026-01-02-b',
    '2026-01-04-d',
    '2026-01-03-c',
  ])
  expect((await ids('--sort', '-exam.accuracy', '--limit', '2'))[1]).toBe('2026-01-02-b')
  const { code, out, err } = await medtune('runs', '--columns', 'id,nonsense,note')
  expect([code, out.split('\n')[0]]).toEqual([0, expect.stringMatching(/^id +nonsense +note$/)])
  expect(err).toMatch(/^warning: --columns nonsense: no run has "nonsense".*; known: .*\n$/)
  expect(await medtune('runs', '--sort', 'nonsense')).toMatchObject({
    code: 2,
    err: expect.stringContaining('known: name'),
  })
  expect(await medtune('runs', '--filter', 'loss >')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected a value'),
  })
  expect((await medtune('runs', '--filter', 'status = lost')).err).toBe('no run matches\n')
  const rows = JSON.parse((await medtune('runs', '--json')).out)
  expect(rows).toHaveLength(4)
  expect(rows[1]).toMatchObject({ status: 'failed', reason: 'diverged', figures: { loss: 'NaN' } })
})

test('tags and notes stay with the run and can be filtered by', async () => {
  expect((await medtune('runs', 'tag', '-b', 'best', 'v2')).code).toBe(0)
  expect((await medtune('runs', 'tag', '02-b')).out).toBe('best\nv2\n')
  expect((await medtune('runs', '--filter', 'tag = best', '--columns', 'id,tags')).out).toContain('best, v2')
  expect((await medtune('runs', 'tag', '02-b', '-v2')).out).toBe('best\n')
  expect(await medtune('runs', 'tag', '02-b', '-v2')).toMatchObject({
    code: 2,
    err: expect.stringContaining('has no tag v2'),
  })
  expect(await medtune('runs', 'tag', '02-b', 'a,b')).toMatchObject({ code: 2 })
  await medtune('runs', 'note', '02-b', 'the one to keep')
  expect((await medtune('runs', 'note', '02-b')).out).toBe('the one to keep\n')
  expect(JSON.parse(readFileSync(join(root, '2026-01-02-b', 'notes.json'), 'utf8'))).toEqual({
    tags: ['best'],
    note: 'the one to keep',
  })
})

test('rm moves to the trash, restore brings back, purge deletes, and what runs is left alone', async () => {
  makeRun(root, { id: 'sweep/2026-02-01-x' })
  makeRun(root, {
    id: '2026-02-02-y',
    status: 'running',
    record: { pid: process.pid, host: hostname(), heartbeat: new Date().toISOString() },
  })
  expect((await medtune('runs', 'rm', '02-01-x')).code).toBe(0)
  expect(existsSync(join(root, 'sweep', '2026-02-01-x'))).toBe(false)
  expect((await medtune('runs', '--columns', 'id')).out).not.toContain('02-01-x')
  expect((await medtune('runs', 'restore')).out).toBe('sweep/2026-02-01-x\n')
  expect((await medtune('runs', 'restore', '02-01-x')).code).toBe(0)
  expect(existsSync(join(root, 'sweep', '2026-02-01-x', 'run.json'))).toBe(true)
  expect(await medtune('runs', 'rm', '02-02-y')).toMatchObject({
    code: 2,
    err: expect.stringContaining('is running'),
  })
  // One word that means no run, and nothing at all is moved.
  expect((await medtune('runs', 'rm', '02-01-x', 'nowhere')).code).toBe(2)
  expect((await medtune('runs', 'rm', '02-01-x', '02-02-y', '--purge', '--force')).code).toBe(0)
  expect(existsSync(join(root, 'sweep', '2026-02-01-x'))).toBe(false)
  expect(readdirSync(root).filter((name) => name.startsWith('2026-02'))).toEqual([])
})

test('an empty word, as an unset variable of a shell leaves it, names no run', async () => {
  const alone = tempFolder()
  makeRun(alone, { id: '2026-02-04-z' })
  const rm = await medtuneIn(alone, 'runs', 'rm', '')
  expect(rm).toMatchObject({ code: 2, err: expect.stringContaining('"" names no run; give its folder') })
  expect(readdirSync(alone)).toEqual(['2026-02-04-z'])
})

test('a whole sweep goes to the trash and comes back; one that runs is left alone', async () => {
  const folder = tempFolder()
  const end = { type: 'end', status: 'done', reason: 'all of them' }
  const sweep = makeSweep(folder, '2026-02-03-s', { id: 'aa11', events: [end] })
  makeRun(folder, { id: '2026-02-03-s/runs/t' })
  const rm = (...words: string[]) => medtuneIn(folder, 'runs', 'rm', ...words)
  expect(await rm(sweep)).toMatchObject({ code: 0, out: expect.stringContaining('2026-02-03-s: moved to') })
  expect(existsSync(sweep)).toBe(false)
  expect((await medtuneIn(folder, 'runs', 'restore', '02-03-s')).code).toBe(0)
  expect(readdirSync(join(sweep, 'runs'))).toEqual(['t'])
  makeSweep(folder, '2026-02-04-l', { id: 'aa12', alive: true })
  expect(await rm('2026-02-04-l')).toMatchObject({ code: 2, err: expect.stringContaining('is running') })
  expect((await rm('2026-02-03-s', '2026-02-04-l', '--purge', '--force')).code).toBe(0)
  expect(readdirSync(folder)).toEqual(['.trash'])
})

test('compare shows settings, figures and evaluations against the first run', async () => {
  const { code, out } = await medtune('compare', '01-a', '02-b', '03-c')
  expect(code).toBe(0)
  expect(out).toMatch(/adapter\.rank +8 +16 +32/)
  expect(out).toMatch(/loss +2\.1500 +2\.1500 +NaN/)
  expect(out).toMatch(/C +2026-01-03-c +failed +20 +diverged/)
  // 15 of the odd questions below 30 are gained and none is lost.
  expect(out).toMatch(/B .*87\.5 %.*\+37\.5 points \[\S+ \S+\] +22\.\d points +< 0\.001.*15\/25\/0 +better/)
  expect(out).toContain('exam: 15 of 40 items are answered differently')
})

test('compare in JSON has the numbers and the paired test', async () => {
  const { out } = await medtune('compare', '01-a', '02-b', '--json', '--samples', '100')
  const { recipe, evaluations, samples } = JSON.parse(out)
  expect(recipe).toEqual([{ key: 'adapter.rank', values: [8, 16] }])
  expect(evaluations[0].difference[1]).toMatchObject({
    value: 0.375,
    n: 40,
    wins: 15,
    ties: 25,
    losses: 0,
    test: 'mcnemar-exact',
    p: expect.closeTo(2 ** -14, 12),
    p_holm: expect.closeTo(2 ** -14, 12),
    verdict: 'better',
    // 2.8 standard errors of the difference, with a gain and a loss added.
    mde: expect.closeTo(2.8016 * Math.sqrt((17 / 42 - (15 / 42) ** 2) / 42), 3),
  })
  expect(samples[0]).toMatchObject({ differing: 15, total: 40 })
  expect(samples[0].samples[0].answers.map((answer: { outcome: string }) => answer.outcome)).toEqual([
    null,
    'win',
  ])
})

test('items that ask something else are not paired', async () => {
  const folder = makeRun(root, {
    id: '2026-03-01-z',
    items: { exam: { base: answers(40, () => true), tuned: answers(40, () => true) } },
  })
  const file = join(folder, 'eval', 'exam.tuned.jsonl')
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('question 1', 'another 1'))
  const { out } = await medtune('compare', '01-a', '03-01-z', '--json')
  const [table] = JSON.parse(out).evaluations
  expect(table.difference[1]).toMatchObject({ n: 29 })
  expect(table.remarks).toEqual([[], ['11 items have the id of another question there and were left out']])
  await medtune('runs', 'rm', '03-01-z', '--purge')
})

test('the same questions behind other examples are paired, and that they were put in another way is said', async () => {
  const items = answers(40, (i) => i < 30).map((item) => ({
    ...item,
    detail: {
      ...item.detail,
      prompt: `one? yes\n\n${item.detail!.prompt}`,
      question: item.detail!.prompt,
    },
  }))
  const config = { template: { use: 'gemma' } }
  makeRun(root, { id: '2026-03-01-few', config, items: { exam: { base: items, tuned: items.slice(0, 36) } } })
  const { out } = await medtune('compare', '01-a', '03-01-few')
  expect(out).toMatch(/B: 4 items are in one of the two only and were left out/)
  expect(out).toMatch(/B: 36 of 36 questions have other text before them \(examples/)
  expect(out).toMatch(/B: another template: what goes through it was put in another way/)
  const { evaluations, samples } = JSON.parse((await medtune('compare', '03-01-few', '01-a', '--json')).out)
  expect(evaluations[0].difference[1]).toMatchObject({ n: 36 })
  // A sample shows the question, not the examples before it.
  expect(samples[0].samples[0].prompt).toMatch(/^question \d+\?$/)
  expect(samples[0].samples[0].answers[1]).not.toBeNull()
  // eval --compare pairs by the same rule.
  const both = await medtune('eval', '--compare', '01-a', '03-01-few', '--json')
  expect(JSON.parse(both.out)[0].differences[0]).toMatchObject({ n: 36 })
  await medtune('runs', 'rm', '03-01-few', '--purge')
})

test('text of unknown making stays text on the terminal, in Markdown and in CSV', async () => {
  const words = ['compare', '01-a', '04-d', '--samples', '20']
  const { out } = await medtune(...words)
  expect(out).toContain('␛[31m<script>')
  expect(out).not.toContain('\u001b')
  expect(out).not.toContain('\u202e')
  const { out: markdown } = await medtune(...words, '--format', 'markdown')
  expect(markdown).toContain('\\<script\\>')
  expect(markdown).toContain('\\[x\\](http\\://evil.example)')
  expect(markdown.replaceAll('\\|', '')).not.toMatch(/^\|.*=cmd\|/m)
  const { out: csv } = await medtune(...words, '--format', 'csv')
  const rows = parse(csv) as string[][]
  expect(rows.filter((row) => row[4]!.includes('script'))[0]![4]).toBe(`'${HOSTILE}`)
  for (const row of rows.slice(1)) {
    for (const cell of row) if (/^[=+\-@]/.test(cell)) expect(Number(cell)).not.toBeNaN()
  }
})

test('compare refuses one run, the same run twice, an unknown format, and writes to a file', async () => {
  for (const words of [
    ['01-a'],
    ['01-a', '2026-01-01-a'],
    ['01-a', '02-b', '--format', 'pdf'],
    ['01-a', 'no-run'],
    ['01-a', '02-b', '--samples', 'x'],
  ]) {
    expect((await medtune('compare', ...words)).code).toBe(2)
  }
  mkdirSync(join(root, '.out'))
  const file = join(root, '.out', 'table.md')
  expect((await medtune('compare', '01-a', 'nobody', '--out', join(root, 'deep', 'x.md'))).code).toBe(2)
  expect(existsSync(join(root, 'deep'))).toBe(false)
  expect((await medtune('compare', '01-a', '02-b', '--format', 'markdown', '--out', file)).out).toBe('')
  expect(readFileSync(file, 'utf8')).toMatch(/^## 2 runs/)
})
