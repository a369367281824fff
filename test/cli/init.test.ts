/** @file `medtune init` on a terminal: a real one, which `script` of util-linux makes. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { applyChanges } from '../../src/recipe/edit.ts'
import { tempFolder } from '../helpers/temp.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAM = [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=medtune-source',
  join(ROOT, 'src/cli/main.ts'),
]
const hasTerminal = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()
if (!hasTerminal) console.warn('skipped: questions on a terminal need `script` of util-linux')

const ENTER = '\r'
/** Empties the line (Ctrl-U), then types. */
const type = (answer: string): string => `\x15${answer}${ENTER}`

/** Types each answer once its question is on the screen. */
async function onTerminal(folder: string, args: string, answers: readonly (readonly [RegExp, string])[]) {
  // The terminal has no width until it is given one.
  const command = `stty cols 120 rows 40; ${PROGRAM.map((word) => `'${word}'`).join(' ')} init ${args}; echo "code $?"`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
  })
  onTestFinished(() => void child.kill())
  let screen = ''
  let seen = 0
  const left = [...answers]
  child.stdout.on('data', (chunk) => {
    screen += chunk
    const [next] = left
    const at = next ? screen.slice(seen).search(next[0]) : -1
    if (at < 0) return
    left.shift()
    seen = screen.length
    child.stdin.write(next![1])
  })
  await new Promise((resolve) => child.on('close', resolve))
  return { screen, unasked: left.length, code: Number(/code (\d+)/.exec(screen)?.[1]) }
}

describe.skipIf(!hasTerminal)('on a terminal', () => {
  it('asks for what differs between users, and keeps the rest with its comments', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'model'))
    writeFileSync(join(folder, 'mine.csv'), 'q,a\n1,2\n')
    const { screen, unasked, code } = await onTerminal(folder, 'gemma3-medical', [
      [/Name of the run/, type('my run')],
      [/Letters, digits/, type('mine')],
      [/Model: a repository/, type('./model')],
      [/Family of the model/, ENTER],
      [/Data: a repository/, type('./nowhere.csv')],
      [/There is no .*nowhere/, type('./mine.csv')],
      [/What the user says/, type('{q}?')],
      [/What the model learns/, type('{a}\\n: end')],
      [/Rank of the adapter/, type('none')],
      [/Write a whole number/, type('8')],
      [/Learning rate/, ENTER],
      [/Epochs/, type('3')],
    ])
    expect([unasked, code], screen).toEqual([0, 0])
    const text = readFileSync(join(folder, 'gemma3-medical.yaml'), 'utf8')
    expect(parse(text)).toMatchObject({
      name: 'mine',
      model: { use: 'gemma3', path: './model' },
      dataset: { use: 'csv', path: './mine.csv', holdout: 0.025 },
      template: { user: '{q}?', model: '{a}\n: end', system: expect.stringContaining('physician') },
      adapter: { rank: 8, alpha: 32 },
      optimizer: { lr: 2e-4 },
      train: { epochs: 3, batch_size: 8 },
    })
    expect(Object.keys(parse(text).dataset)).toEqual(['use', 'path', 'holdout'])
    const shipped = readFileSync(join(ROOT, 'recipes/gemma3-medical.yaml'), 'utf8')
    const comments = (yaml: string) => yaml.match(/#.*$/gm)!.filter((line) => !line.includes('schema'))
    expect(comments(text)).toEqual(comments(shipped))
  }, 60_000)

  it('writes nothing where the user breaks off, and asks nothing with --yes', async () => {
    const folder = tempFolder()
    const broken = await onTerminal(folder, 'quickstart', [
      [/Name of the run/, ENTER],
      [/Model: a repository/, '\x03'],
    ])
    expect([broken.code, existsSync(join(folder, 'quickstart.yaml'))], broken.screen).toEqual([130, false])
    expect(broken.screen).toContain('nothing was written')
    const silent = await onTerminal(folder, 'quickstart --yes', [])
    expect([silent.code, existsSync(join(folder, 'quickstart.yaml'))]).toEqual([0, true])
    expect(silent.screen).not.toContain('Name of the run')
  }, 60_000)
})

describe('changes to a recipe', () => {
  const RECIPE = `# first
model:
  use: gemma3   # family
  repo: a/b     # place

dataset:
  use: jsonl
  path: ./x.jsonl
  limit: 3 # rows
template:
  system: >-
    Two lines
    of text.
  user: "{q}"
`

  it('touch nothing else', () => {
    expect(applyChanges(RECIPE, [])).toBe(RECIPE)
    expect(applyChanges(RECIPE, [{ key: ['model', 'repo'], value: '../m', rename: 'path' }])).toBe(
      RECIPE.replace('repo: a/b ', 'path: ../m '),
    )
    expect(applyChanges(RECIPE, [{ key: ['dataset', 'path'], value: undefined }])).toBe(
      RECIPE.replace('  path: ./x.jsonl\n', ''),
    )
    expect(applyChanges(RECIPE, [{ key: ['template', 'system'], value: 'One: {q}' }])).toBe(
      RECIPE.replace('>-\n    Two lines\n    of text.\n', '"One: {q}"\n'),
    )
    expect(applyChanges(RECIPE, [{ key: ['train', 'steps'], value: 3 }])).toBe(RECIPE)
  })

  it('keep a text a text', () => {
    for (const value of [
      'true',
      '12',
      '1e3',
      'null',
      'a: b',
      '{x}',
      '# no',
      "it's",
      '-',
      '',
      'a\nb',
      '~/x',
    ]) {
      const changed = applyChanges(RECIPE, [{ key: ['template', 'user'], value }])
      expect(parse(changed).template.user).toBe(value)
    }
  })
})
