/** @file `medtune eval` as a user types it: a run, a model, an adapter; results compared; what it refuses. */
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/program.ts'
import { type EvaluateOptions, evaluate } from '../../src/evaluate.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { smallProject } from '../run/project.ts'

let project: string
let trained: string

beforeAll(async () => {
  project = await smallProject()
  const resolved = await loadRecipe(join(project, 'recipe.yaml'))
  trained = (await run(resolved, { runsDir: join(project, 'runs') })).folder
  const rows = Array.from({ length: 12 }, (_, i) => ({ id: `i${i}`, q: `colour ${i}?`, right: i % 2 }))
  writeFileSync(join(project, 'items.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  writeFileSync(
    join(project, 'my task.yaml'),
    'dataset: { use: jsonl, path: items.jsonl }\nid: id\nprompt: "{q}"\nchoices: [red, green]\nanswer: right\n',
  )
})

/** Exit code and what was written, of a command in this process. */
async function medtune(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const heard = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      heard[name] += String(text)
      return true
    }),
  )
  try {
    return { code: await main(args), ...heard }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** A file of items below the project, by the way. */
function itemFile(folder: string, which: string): string | undefined {
  const name = readdirSync(join(project, folder)).find((file) => file.endsWith(`.${which}.jsonl`))
  return name && join(project, folder, name)
}

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a run: its own evaluations give the scores of its report, and a task is compared with the base', async () => {
  const report = JSON.parse(readFileSync(join(trained, 'report.json'), 'utf8'))
  const own = await medtune('eval', trained, '--json')
  expect(own.stderr).not.toMatch(/error/)
  const { compared, scores, folder } = JSON.parse(own.stdout)
  expect(folder).toBe(join(trained, 'eval'))
  expect(scores.colours).toEqual({
    metric: 'accuracy',
    better: 'higher',
    scores: compared.colours.tuned,
  })
  const figures = { n: 9, stderr: expect.any(Number), ci95: [expect.any(Number), expect.any(Number)] }
  expect(compared.colours).toMatchObject({
    metric: 'accuracy',
    better: 'higher',
    base: { accuracy: expect.any(Number), ...figures },
    tuned: { accuracy: expect.any(Number), ...figures },
    difference: {
      accuracy: expect.any(Number),
      ...figures,
      test: 'mcnemar-exact',
      verdict: expect.any(String),
    },
  })
  for (const name of ['loss', 'colours']) {
    const { metric } = report.eval[name]
    for (const which of ['base', 'tuned'])
      expect(compared[name][which][metric]).toBeCloseTo(report.eval[name][which][metric], 6)
  }
  const task = await medtune('eval', trained, '--task', join(project, 'my task.yaml'), '--limit', '10')
  expect(task.stdout).toMatch(
    /^my-task: acc \S+ % \[.*\] -> \S+ % \[.*\], [+-]\S+ points .* n 10, could show/,
  )
  const files = readdirSync(join(trained, 'eval')).filter((name) =>
    /^my-task-[0-9a-f]{6}\.tuned\.jsonl$/.test(name),
  )
  expect(files).toHaveLength(1)
  expect(lines(join(trained, 'eval', files[0]!))).toHaveLength(10)
  // Every scoring leaves a line: four of the run, four and two of the commands.
  const scorings = lines(join(trained, 'eval/scorings.jsonl'))
  expect(scorings.map(({ name, which }) => `${name} ${which}`).slice(0, 4)).toEqual([
    'loss base',
    'colours base',
    'loss tuned',
    'colours tuned',
  ])
  expect(scorings).toHaveLength(10)
  expect(scorings.at(-1)).toMatchObject({ name: 'my-task', which: 'tuned', items: 10, file: files[0] })
  expect(scorings.at(-1).model).toBe(scorings[2].model)
})

test('a model and an adapter by their folders; results that are there are not computed again', async () => {
  const [model, adapter] = [join(project, 'model'), join(trained, 'adapter')]
  const task = ['--task', join(project, 'my task.yaml')]
  const one = await medtune('eval', model, ...task, '--out', join(project, 'one'))
  expect(one.stdout).toMatch(/^my-task: acc \S+ % \[.*\], n 12\n {2}chance 50\.0 %\nitems: /)
  const two = await medtune('eval', adapter, ...task, '--no-base', '--out', join(project, 'two'))
  expect(two.stdout).toMatch(/^my-task: acc/)
  expect(itemFile('two', 'base')).toBeUndefined()
  const file = itemFile('one', 'base')!
  const scored = lines(file)
  expect(JSON.parse(readFileSync(file.replace(/l$/, ''), 'utf8'))).toMatchObject({
    name: 'my-task',
    metric: 'acc',
    better: 'higher',
    options: { use: 'task', fewshot: 0 },
    scores: { n: 12, chance: 0.5 },
  })
  expect(scored[0]).toMatchObject({
    id: 'i0',
    prompt: 'colour 0?',
    choices: ['red', 'green'],
    reference: 'red',
  })
  const cache = join(process.env.MEDTUNE_CACHE!, 'scores')
  const files = readdirSync(cache, { recursive: true }).length
  await medtune('eval', model, ...task, '--out', join(project, 'again'))
  expect(readdirSync(cache, { recursive: true })).toHaveLength(files)
  expect(lines(itemFile('again', 'base')!)).toEqual(scored)
  // Asked in another way, the same task has files of its own; what was there stays.
  for (const limit of ['12', '5', '5'])
    await medtune('eval', model, ...task, '--limit', limit, '--runs-dir', project)
  const names = readdirSync(join(project, 'evals/model')).filter((name) => name.endsWith('.base.jsonl'))
  expect(names.sort()).toEqual([expect.stringMatching(/^my-task-[0-9a-f]{6}\.base/), 'my-task.base.jsonl'])
  // Another model of that name has a folder of its own, always the same one.
  const other = join(project, 'other/model')
  cpSync(model, other, { recursive: true })
  for (const limit of ['3', '4'])
    await medtune('eval', other, ...task, '--limit', limit, '--runs-dir', project)
  const folders = readdirSync(join(project, 'evals')).sort()
  expect(folders).toEqual(['model', expect.stringMatching(/^model-[0-9a-f]{6}$/)])
  expect(readdirSync(join(project, 'evals/model')).filter((name) => name.endsWith('.base.jsonl'))).toEqual(
    names,
  )
  const about = JSON.parse(readFileSync(join(project, 'evals', folders[1]!, 'my-task.base.json'), 'utf8'))
  expect(about).toMatchObject({ target: other, options: { limit: 3 } })
})

test('a run and a bare model are compared on the questions that both were asked, whatever the files are called', async () => {
  const task = ['--task', join(project, 'my task.yaml')]
  const out = join(project, 'bare')
  await medtune('eval', join(project, 'model'), ...task, '--fewshot', '2', '--out', out)
  await medtune('eval', trained, ...task, '--limit', '7')
  const { stdout, code } = await medtune('eval', '--compare', out, trained)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^my-task: acc, higher is better\n {2}bare: \S+ % \[.*\], n 10\n/)
  expect(stdout).toMatch(/left out: 2 of 12 of bare\n/)
  expect(stdout).toMatch(/not asked alike: bare fewshot 2; \S+ fewshot 0\n/)
  expect(stdout).toMatch(/10 of 10 questions have other text before them \(examples/)
  // Also where no file says how it was asked.
  const [plain, brief] = [join(project, 'plain.jsonl'), join(project, 'brief.jsonl')]
  copyFileSync(itemFile('bare', 'base')!, plain)
  const reworded = lines(plain).map((item, i) => ({
    ...item,
    prompt: i < 5 ? `Be brief. ${item.prompt}` : item.prompt,
  }))
  writeFileSync(brief, reworded.map((item) => `${JSON.stringify(item)}\n`).join(''))
  const files = await medtune('eval', '--compare', plain, brief)
  expect(files.stdout).toMatch(/brief\.jsonl: 5 of 12 questions have other text before them/)
  expect(files.stdout).not.toMatch(/not asked alike/)
  // In turns, each goes through a template of its own; the question stays the same.
  await medtune('eval', trained, ...task, '--chat', '--limit', '5')
  const turns = join(project, 'turns')
  await medtune('eval', join(project, 'model'), ...task, '--chat', '--limit', '5', '--out', turns)
  const chat = await medtune('eval', '--compare', turns, trained)
  expect(chat.stdout).toMatch(/turns: \S+ % \[.*\], n 5\n/)
  expect(chat.stdout).toMatch(
    /not asked alike: turns fewshot 0, chat true, template plain.*; \S+ fewshot 0, chat true, template gemma/,
  )
  // The same ids with other questions are other items.
  const file = itemFile('bare', 'base')!
  const other = lines(file).map((item, i) => ({ ...item, ...(i < 4 ? { reference: 'blue' } : {}) }))
  writeFileSync(file, other.map((item) => `${JSON.stringify(item)}\n`).join(''))
  const json = JSON.parse((await medtune('eval', '--compare', out, trained, '--json')).stdout)
  expect(json[0].models.map(({ n, had }: { n: number; had: number }) => [had, n])).toEqual([
    [12, 6],
    [10, 6],
  ])
  writeFileSync(file, other.map((item) => `${JSON.stringify({ ...item, reference: 'x' })}\n`).join(''))
  const none = await medtune('eval', '--compare', out, trained)
  expect(none.stderr).toMatch(
    /no evaluation with the same questions is in all of them; .*my-task \(12 items\)/,
  )
  expect(none.code).toBe(2)
})

test('stopped while the model writes: no answer more is waited for, and the next call asks for the rest', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ q: `colour ${i}?`, right: i % 2 }))
  writeFileSync(join(project, 'many.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  writeFileSync(
    join(project, 'words.yaml'),
    'dataset: { use: jsonl, path: many.jsonl }\nprompt: "{q}"\nchoices: [red, green]\nanswer: right\nask: generate\ngenerate: { max_tokens: 24, temperature: 2 }\n',
  )
  const evaluations = [{ use: 'task', name: 'words', task: join(project, 'words.yaml') }]
  const ask = (
    onProgress: NonNullable<EvaluateOptions['onProgress']>,
    signal?: AbortSignal,
    cache = 'cache',
  ) => {
    process.env.MEDTUNE_CACHE = join(project, cache)
    const out = join(project, `out-${cache}`)
    return evaluate(join(project, 'model'), { evaluations, out, onProgress, ...(signal && { signal }) })
  }
  const controller = new AbortController()
  const told: number[] = []
  const stopping = ({ done }: { readonly done: number }): void => {
    told.push(done)
    if (done === 3) controller.abort(new Stopped('SIGINT'))
  }
  await expect(ask(stopping, controller.signal)).rejects.toThrow(Stopped)
  expect(told.at(-1)).toBeLessThan(40)
  const kept = told.at(-1)!
  const rest: number[] = []
  const resumed = await ask(({ done }) => void rest.push(done))
  expect([rest[0], rest.at(-1)]).toEqual([kept + 1, 40])
  const whole = await ask(() => {}, undefined, 'another')
  expect(resumed.scores).toEqual(whole.scores)
  const texts = (cache: string) => lines(itemFile(`out-${cache}`, 'base')!)
  expect(texts('cache')).toEqual(texts('another'))
  process.env.MEDTUNE_CACHE = join(project, 'cache')
})

test('results are compared item by item, and the items that differ are shown', async () => {
  const item = (id: string, score: number, prediction: string) => ({
    id,
    prompt: 'q',
    prediction,
    reference: 'A',
    score,
    weight: 1,
  })
  const write = (name: string, scores: readonly number[]) =>
    writeFileSync(
      join(project, name),
      scores.map((s, i) => `${JSON.stringify(item(`n${i}`, s, s === 1 ? 'A' : 'B'))}\n`).join(''),
    )
  write('a.jsonl', Array(20).fill(0))
  write('b.jsonl', Array(20).fill(0).fill(1, 0, 8))
  write('c.jsonl', Array(20).fill(0).fill(1, 0, 6))
  const files = ['a', 'b', 'c'].map((name) => join(project, `${name}.jsonl`))
  const { stdout, code } = await medtune('eval', '--compare', ...files, '--show', '2')
  expect(code).toBe(0)
  expect(stdout).toContain('b.jsonl - a.jsonl: +0.4000')
  // Eight gains: p = 2 / 2^8, doubled for two comparisons. Six: 2 / 2^6 = 0.031.
  expect(stdout).toMatch(/b\.jsonl - a\.jsonl: .* p = 0\.016 \(Holm\), could show \S+: better/)
  expect(stdout).toMatch(/c\.jsonl - a\.jsonl: .* p = 0\.031 \(Holm\), could show \S+: better/)
  expect(stdout).toContain('8 items differ, the first 2:\n  n0: B (0) | A (1) | A (1); right: A\n  n1:')
  const json = JSON.parse((await medtune('eval', '--compare', ...files.slice(0, 2), '--json')).stdout)
  expect(json[0].items).toHaveLength(8)
  expect(json[0].differences[0]).toMatchObject({ test: 'mcnemar-exact', verdict: 'better' })
  // A file of one's own needs no more than ids and scores; an item that is there twice would count twice.
  const bare = (name: string, score: number, ids: readonly string[]) =>
    writeFileSync(join(project, name), ids.map((id) => `${JSON.stringify({ id, score })}\n`).join(''))
  bare('d.jsonl', 0, ['a', 'b', 'c'])
  bare('e.jsonl', 1, ['c', 'b', 'a'])
  const two = ['d.jsonl', 'e.jsonl'].map((name) => join(project, name))
  const [own] = JSON.parse((await medtune('eval', '--compare', ...two, '--json')).stdout)
  expect(own.differences[0]).toMatchObject({ value: 1, n: 3, test: 'mcnemar-exact' })
  expect(own.better).toBe('higher')
  bare('e.jsonl', 1, ['c', 'b', 'c'])
  const twice = await medtune('eval', '--compare', ...two)
  expect([twice.code, twice.stderr]).toEqual([
    2,
    expect.stringContaining('e.jsonl:3: the item "c" is there twice'),
  ])
})

test('a recipe: its own evaluations, of the model that it starts from, unless tasks are named', async () => {
  const report = JSON.parse(readFileSync(join(trained, 'report.json'), 'utf8'))
  const target = ['eval', join(project, 'recipe.yaml'), '--runs-dir', join(project, 'recipe-runs'), '--json']
  const { scores } = JSON.parse((await medtune(...target)).stdout)
  expect(Object.keys(scores)).toEqual(['loss', 'colours'])
  for (const name of ['loss', 'colours']) {
    const { metric } = report.eval[name]
    expect(scores[name].scores[metric]).toBeCloseTo(report.eval[name].base[metric], 6)
  }
  const one = JSON.parse(
    (await medtune(...target, '--task', 'colours', join(project, 'my task.yaml'))).stdout,
  )
  expect(Object.keys(one.scores)).toEqual(['colours', 'my-task'])
  expect(one.scores.colours).toEqual(scores.colours)
  const few = JSON.parse((await medtune(...target, '--task', 'colours', '--limit', '2')).stdout)
  expect(few.scores.colours.scores.n).toBe(2)
  writeFileSync(join(project, 'unasked.yaml'), 'extends: ./recipe.yaml\neval: []\n')
  const none = await medtune('eval', join(project, 'unasked.yaml'))
  expect(none).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the recipe has no evaluation; name a task/),
  })
})

test('a judge that does not answer is a failure of work that had begun, whichever command asks it; nothing is left', async () => {
  writeFileSync(
    join(project, 'judged.yaml'),
    'dataset: { use: jsonl, path: items.jsonl }\nid: id\nprompt: "{q}"\ntarget: red\nask: generate\ngenerate: { max_tokens: 2 }\n',
  )
  const judge =
    '{ use: judge, task: ./judged.yaml, url: "http://127.0.0.1:9/v1", model: m, retries: 0, limit: 2 }'
  writeFileSync(
    join(project, 'judge.yaml'),
    `extends: ./recipe.yaml\neval: [${judge}]\ntrain: { steps: 1 }\n`,
  )
  const [runs, results] = [join(project, 'judge-runs'), join(project, 'judge-results')]
  const recipe = join(project, 'judge.yaml')
  const [asRun, asEval] = [
    await medtune('run', recipe, '--runs-dir', runs),
    await medtune('eval', recipe, '--runs-dir', results),
  ]
  for (const { code, stderr } of [asRun, asEval]) {
    expect(stderr).toMatch(/error: judge m at http:\/\/127\.0\.0\.1:9\/v1: .*unreachable/)
    expect(code).toBe(1)
  }
  expect(existsSync(results)).toBe(false)
  // Refused before the work begins: 2, and nothing is left either.
  const bad = ['--task', join(project, 'my task.yaml'), '--path', join(project, 'rows.jsonl')]
  const refused = await medtune('eval', join(project, 'model'), ...bad, '--runs-dir', results)
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no column "q"|column/) })
  const blocked = await medtune('eval', recipe, '--out', join(project, 'rows.jsonl', 'below'))
  expect(blocked.stderr).toMatch(/no results can be written there, since .*rows\.jsonl is a file/)
  expect(blocked.code).toBe(2)
  const inFile = await medtune('eval', recipe, '--runs-dir', join(project, 'rows.jsonl'))
  expect(inFile).toMatchObject({ code: 2, stderr: expect.stringMatching(/rows\.jsonl is a file/) })
  const odd = await medtune('eval', 'no/where/at/all', '--task', 'medmcqa', '--runs-dir', results)
  expect(odd.code).toBe(2)
  expect(existsSync(results)).toBe(false)
})

const places: Readonly<Record<string, () => string>> = {
  MODEL: () => join(project, 'model'),
  RECIPE: () => join(project, 'recipe.yaml'),
}

test.each([
  [['eval'], /name one model to evaluate/],
  [['eval', 'no/where/at/all', '--task', 'medmcqa'], /no such folder/],
  [['eval', 'MODEL'], /name a task, such as --task medmcqa/],
  [
    ['eval', 'RECIPE', '--task', 'colous'],
    /no eval plugin is named "colous"; did you mean "colours"; allowed: loss, colours, /,
  ],
  [['eval', 'lora-rank'], /lora-rank is a sweep, not a recipe: medtune sweep lora-rank/],
  [['eval', 'MODEL', '--task', 'medmcqs'], /no eval plugin is named "medmcqs"; did you mean "medmcqa"/],
  [['eval', 'MODEL', '--task', 'medmcqa', '--limit', 'x'], /--limit x: expected a whole number/],
  [['eval', 'MODEL', '--task', 'medmcqa', '--path', 'none.json'], /eval\.0\.path: no such file/],
  [['eval', 'MODEL', '--task', './none.yaml'], /none\.yaml.*does not exist/],
  [['eval', 'MODEL', '--task', 'loss'], /loss is of held-out rows, which only a run or a recipe has/],
  [['eval', '--compare', 'MODEL'], /name at least two/],
  [['eval', '--compare', 'MODEL', 'MODEL'], /no evaluation with the same questions is in all of them/],
  [['eval', '--compare', 'MODEL', 'no/where'], /no\/where: no such file or folder/],
  [['eval', '--compare', 'MODEL', 'MODEL', '--show', 'x'], /--show x: expected a whole number/],
])('%j is refused with exit code 2', async (args, message) => {
  const { code, stderr } = await medtune(...args.map((word) => places[word]?.() ?? word))
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
})
