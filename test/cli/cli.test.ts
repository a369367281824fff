/** @file The program as a user starts it: real processes, their exit codes and what they print where. */
import { execFile } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { main } from '../../src/cli/program.ts'
import { shippedRecipes } from '../../src/recipe/find.ts'
import { makeModel } from '../helpers/make-model.ts'
import { folderOf, GOOD } from '../recipe/folder.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TSX = import.meta.resolve('tsx')
const PROGRAM = ['--import', TSX, '--conditions=medtune-source', path.join(ROOT, 'src/cli/main.ts')]

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function medtune(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Result> {
  return start(process.execPath, [...PROGRAM, ...args], cwd, env)
}

function start(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Result> {
  const options = { cwd, env: { ...process.env, NO_COLOR: '1', ...env } }
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** The same in this process, for what needs neither a folder nor a stream of its own. */
async function inProcess(...args: string[]): Promise<Result> {
  const written = { stdout: '', stderr: '' }
  const capture = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text)
      return true
    })
  const captures = [capture('stdout'), capture('stderr')]
  try {
    return { code: await main(args), ...written }
  } finally {
    for (const spy of captures) spy.mockRestore()
  }
}

/** What GOOD names: three rows and a small model. */
async function addInputs(folder: string): Promise<void> {
  const rows = ['q', 'r', 's'].map((question) => JSON.stringify({ question, answer: 'a' }))
  writeFileSync(path.join(folder, 'rows.jsonl'), `${rows.join('\n')}\n`)
  await makeModel(path.join(folder, 'model'), { config: { max_position_embeddings: 2048 } })
  writeFileSync(path.join(folder, 'model/tokenizer.json'), '{}')
}

test('help is on stdout with exit 0; a command or option that is none exits 2 with a hint', async () => {
  const [help, command] = await Promise.all([medtune(['--help'], ROOT), medtune(['validat', 'x.yaml'], ROOT)])
  const option = await inProcess('validate', 'x.yaml', '--jsn')
  const nothing = await inProcess()
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const name of ['run', 'plan', 'validate', 'schema', 'plugins', 'init'])
    expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(command).toMatchObject({ code: 2, stdout: '' })
  expect(command.stderr).toMatch(/unknown command 'validat'[\s\S]*Did you mean validate/)
  expect(option.code).toBe(2)
  expect(option.stderr).toMatch(/Did you mean --json/)
  expect(nothing.code).toBe(2)
})

test('a broken recipe: every problem on a line of stderr, relative to where the user is, exit 2, no stack', async () => {
  const folder = folderOf({
    'sub/recipe.yaml': GOOD.replace('rank: 8', 'rnk: 8').replace('name: good', 'name: 7'),
  })
  const args = ['validate', 'sub/recipe.yaml', 'train.steps=-1']
  const [plain, json, debug] = await Promise.all([
    medtune(args, folder),
    medtune([...args, '--json'], folder, { FORCE_COLOR: '1' }),
    medtune(args, folder, { MEDTUNE_DEBUG: '1' }),
  ])
  expect(plain).toEqual({
    code: 2,
    stdout: '',
    stderr: [
      'sub/recipe.yaml:1:7  name: must be text, found 7',
      'sub/recipe.yaml:13:3  adapter.rnk: unknown key; did you mean "rank"; allowed: use, rank, alpha, targets, exclude, layers_to_transform, layers_pattern, rank_pattern, alpha_pattern, rslora, dora, from, init, lora_plus, dropout',
      'override "train.steps=-1": train.steps: must be at least 1, found -1',
      '',
    ].join('\n'),
  })
  expect(json.code).toBe(2)
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    problems: [
      { file: path.join(folder, 'sub/recipe.yaml'), line: 1, col: 7, path: 'name' },
      { line: 13, col: 3, path: 'adapter.rnk', suggestion: 'rank' },
      { override: 'train.steps=-1', path: 'train.steps' },
    ],
  })
  expect(debug.stderr).toMatch(/^ +at /m)
})

test('a good recipe: one line, or all of it as JSON', async () => {
  const folder = folderOf({ 'recipe.yaml': GOOD })
  await addInputs(folder)
  const [plain, json, missing] = await Promise.all([
    medtune(['validate', 'recipe.yaml'], folder),
    medtune(['validate', 'recipe.yaml', 'adapter.rank=4', '--json'], folder),
    medtune(['validate', 'recipe.yaml', 'dataset.path=nowhere.jsonl'], folder),
  ])
  expect(plain.stderr).toBe('')
  expect(plain.stdout).toMatch(/^ok recipe\.yaml: recipe "good", hash [0-9a-f]{8}\n$/)
  expect(plain.code).toBe(0)
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, recipe: { name: 'good', adapter: { rank: 4 } } })
  expect(missing.code).toBe(2)
  expect(missing.stderr).toMatch(/^override "dataset\.path=nowhere\.jsonl": dataset\.path: .*nowhere\.jsonl/)
})

test('plugins lists a third party with its origin; the reader may close the pipe early', async () => {
  const text =
    'plugins: [medtune-plugin-example]\nmodel: { use: gemma3, path: m }\ndataset: { use: example-sums, rows: 3 }\ntemplate: example-equation\n'
  const folder = folderOf({ 'recipe.yaml': text })
  cpSync(
    path.join(ROOT, 'test/fixtures/medtune-plugin-example'),
    path.join(folder, 'node_modules/medtune-plugin-example'),
    { recursive: true },
  )
  const command = [process.execPath, ...PROGRAM, 'plugins', '--json'].map((part) => `'${part}'`).join(' ')
  const json = await inProcess('plugins', path.join(folder, 'recipe.yaml'), '--json')
  const [plain, piped] = await Promise.all([
    medtune(['plugins', 'recipe.yaml'], folder),
    start('bash', ['-c', `set -o pipefail; ${command} | head -c 1`], folder),
  ])
  expect(plain.stdout).toMatch(
    /example-sums .*\[medtune-plugin-example@1\.2\.3, node_modules\/medtune-plugin-example\/index\.js\]/,
  )
  expect(plain.stdout).toMatch(/rank {2}a whole number\. .*16 if left out/)
  const rows: { name: string; origin: unknown }[] = JSON.parse(json.stdout)
  expect(rows.find((row) => row.name === 'lora')?.origin).toMatchObject({ package: 'medtune' })
  expect(rows.find((row) => row.name === 'example-equation')?.origin).toMatchObject({ version: '1.2.3' })
  expect(piped.stderr).toBe('')
})

test('schema describes recipes as they are written: with extends, bare names and third-party plugins', async () => {
  const folder = folderOf({ 'recipe.yaml': `${GOOD}plugins: [./p/index.js]\n` })
  cpSync(path.join(ROOT, 'test/fixtures/medtune-plugin-example'), path.join(folder, 'p'), { recursive: true })
  const out = path.join(folder, 'schema.json')
  const written = await inProcess('schema', path.join(folder, 'recipe.yaml'), '--out', out)
  const nowhere = await inProcess('schema', '--out', path.join(folder, 'recipe.yaml/schema.json'))
  expect(written).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(nowhere.code).toBe(2)
  expect(nowhere.stderr).toMatch(/error.*recipe\.yaml\/schema\.json cannot be written/)
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(out, 'utf8')))
  const accepts = (text: string) => validate(parse(text))
  expect(accepts(GOOD)).toBe(true)
  expect(accepts('extends: quickstart\nadapter: { rank: 3 }\noptimizer: adamw\n')).toBe(true)
  expect(accepts(GOOD.replace('use: jsonl\n  path: rows.jsonl', 'use: example-sums\n  rows: 3'))).toBe(true)
  expect(accepts(GOOD.replace('rank: 8', 'rnk: 8'))).toBe(false)
  expect(accepts(GOOD.replace('model: { use: gemma3, path: model }\n', ''))).toBe(false)
  expect(accepts(GOOD.replace('[loss]', '[los]'))).toBe(false)
})

test.skipIf(shippedRecipes().size === 0)(
  'init copies a shipped recipe, whose paths still lead to its files, and never overwrites',
  async () => {
    const name = [...shippedRecipes().keys()].includes('quickstart')
      ? 'quickstart'
      : [...shippedRecipes().keys()][0]!
    const folder = folderOf({ 'mine.yaml': 'x: 1\n' })
    const [copied, taken, unknown] = await Promise.all([
      medtune(['init', name], folder),
      medtune(['init', name, '--out', 'mine.yaml'], folder),
      medtune(['init', `${name}x`], folder),
    ])
    expect(copied).toMatchObject({ code: 0, stderr: '' })
    expect(taken.code).toBe(2)
    expect(taken.stderr).toMatch(/mine\.yaml exists already/)
    expect(readFileSync(path.join(folder, 'mine.yaml'), 'utf8')).toBe('x: 1\n')
    expect(unknown.stderr).toMatch(new RegExp(`did you mean "${name}"`))
    expect(await medtune(['validate', `${name}.yaml`], folder)).toMatchObject({ code: 0, stderr: '' })
  },
)
