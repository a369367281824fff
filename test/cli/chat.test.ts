/** @file `medtune chat` as a user starts it: one answer, piped text, a conversation, and what it refuses. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/program.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { type Ended, medtuneIn } from '../helpers/program.ts'
import { smallProject } from '../run/project.ts'

let project: string
let trained: string

beforeAll(async () => {
  project = await smallProject()
  const colours = ['red', 'green', 'blue']
  const rows = Array.from({ length: 24 }, (_, i) => ({ q: `colour ${i % 3}?`, a: colours[i % 3] }))
  writeFileSync(path.join(project, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const changes = ['train.steps=80', 'train.eval_every=80', 'adapter.rank=8', 'optimizer.lr=3e-2', 'eval=[]']
  const resolved = await loadRecipe(path.join(project, 'recipe.yaml'), changes)
  trained = (await run(resolved, { runsDir: path.join(project, 'runs') })).folder
})

/** As a process of its own. */
const started = (args: readonly string[], input = '') => medtuneIn(['chat', ...args], { cwd: project, input })

/** In this process, which starts sooner. */
async function medtune(args: readonly string[]): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const heard = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      heard[name] += text
      return true
    }),
  )
  try {
    return { code: await main(['chat', ...args]), ...heard }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const at = (name: string): string => path.join(project, name)

describe('one answer', () => {
  test('of a run, on stdout; the pace on stderr', async () => {
    const { code, stdout, stderr } = await started([trained, '--prompt', 'colour 1?'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'green\n' })
    expect(stderr).toMatch(/^\d+ tokens, \d+\.\d a second\n$/m)
  })

  test('to what is piped in, as JSON', async () => {
    const { code, stdout, stderr } = await started([trained, '--json', '--quiet'], 'colour 2?\n')
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      which: 'tuned',
      prompt: 'colour 2?',
      text: 'blue',
      finish: 'stop',
    })
  })

  test('of a recipe that goes on from an adapter: with that adapter, unless the base is asked for', async () => {
    const from = `adapter={use: lora, from: "${path.join(trained, 'adapter')}"}`
    const ask = (...more: string[]) =>
      medtune([at('recipe.yaml'), from, '--prompt', 'colour 1?', '--json', ...more])
    expect(JSON.parse((await ask()).stdout)).toMatchObject({ which: 'tuned', text: 'green' })
    const base = JSON.parse((await ask('--base', '--max-tokens', '8')).stdout)
    expect(base.which).toBe('base')
    expect(base.text).not.toBe('green')
  })

  test('of the base model: of the run, of its recipe, and of its folder, all the same', async () => {
    const ask = async (...words: string[]): Promise<{ which: string; text: string; tokens: number }> =>
      JSON.parse(
        (await medtune([...words, '--prompt', 'colour 1?', '--json', '--quiet', '--max-tokens', '9'])).stdout,
      )
    const [run, recipe] = [await ask(trained, '--base'), await ask(at('recipe.yaml'), 'seed=9')]
    expect(run.which).toBe('base')
    expect(run.text).not.toBe('green')
    expect(recipe).toMatchObject({ which: 'base', text: run.text })
    const jinja = `<bos>{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\\n' }}`
    cpSync(path.join(project, 'model'), path.join(project, 'own'), { recursive: true })
    writeFileSync(path.join(project, 'own/chat_template.jinja'), jinja)
    const folder = await ask(at('own'))
    expect(folder.text).toBe(run.text)
    // An adapter's folder names its model.
    const adapter = await ask(path.join(trained, 'adapter'))
    expect(adapter.which).toBe('tuned')
  })
})

describe('refused, without a stack, with exit code 2', () => {
  test.each([
    [['nothing.yaml', '--prompt', 'x'], 'the file does not exist'],
    [['./rows.jsonl', '--prompt', 'x'], 'no such folder'],
    [['runs/tpyo', '--prompt', 'x'], 'no such folder'],
    [['rows.jsonl/below', '--prompt', 'x'], 'no such folder'],
    [['runs', '--prompt', 'x'], 'is no run (run.json), no model (config.json) and no adapter'],
    [['model', 'seed=1', '--prompt', 'x'], 'only a run or a recipe has keys to change'],
    [
      ['recipe.yaml', '--prompt', 'x', '--top-p', '2'],
      '--top-p: expected a number above 0, at most 1, found "2"',
    ],
    [
      ['recipe.yaml', '--prompt', 'x', '--max-tokens', '0.5'],
      '--max-tokens: expected a whole number from 1 up',
    ],
    [['recipe.yaml', '--prompt', ' '], 'there is no prompt'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await medtune([
      args[0]!.startsWith('.') ? args[0]! : at(args[0]!),
      ...args.slice(1),
    ])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('a run whose adapter is gone', async () => {
    const copy = path.join(project, 'unfinished')
    cpSync(trained, copy, { recursive: true })
    for (const name of readdirSync(path.join(copy, 'adapter'))) rmSync(path.join(copy, 'adapter', name))
    const { code, stderr } = await medtune([copy, '--prompt', 'x'])
    expect(code).toBe(2)
    expect(stderr).toContain('this run is finished, but its folder adapter is gone or damaged')
  })
})

test('a conversation is part of the next prompt, until it is forgotten', async () => {
  const { openChat } = await import('../../src/chat.ts')
  const chat = await openChat(trained, { warn: () => {} }, { max_tokens: 8 })
  const say = async (text: string): Promise<string> => {
    const pieces: string[] = []
    const { text: whole } = await chat.say(text, (piece) => pieces.push(piece))
    expect(pieces.join('')).toBe(whole)
    return whole
  }
  const first = await say('colour 1?')
  await say('colour 2?')
  chat.forget()
  expect(await say('colour 1?')).toBe(first)
  const controller = new AbortController()
  const cut = await chat.say('colour 0?', () => controller.abort(), controller.signal)
  expect(['stopped', 'stop']).toContain(cut.finish)
  await chat.close()
  expect(readFileSync(path.join(trained, 'run.json'), 'utf8')).toContain('"done"')
})
