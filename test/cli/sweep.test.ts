/** @file `medtune sweep` as a user starts it: what it prints where, how it ends, how it goes on. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { type Execution, medtuneIn } from '../helpers/program.ts'
import { makeSweep } from '../helpers/sweep-folders.ts'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { folderOf, GOOD } from '../recipe/folder.ts'

let project: string

beforeAll(async () => {
  project = tempFolder()
  await makeSweepProject(project)
})

const medtune = (args: readonly string[], watch?: Execution['watch']) =>
  medtuneIn(args, { cwd: project, watch, env: { MEDTUNE_CACHE: path.join(project, 'cache') } })

function only(folder: string): string {
  const names = readdirSync(path.join(project, folder))
  expect(names).toHaveLength(1)
  return path.join(folder, names[0]!)
}

test('a sweep with a trial that cannot run ends with 4; its best trial becomes a recipe', async () => {
  writeFileSync(
    path.join(project, 'some.yaml'),
    `recipe: recipe.yaml
method: grid
metric: { name: holdout.loss, goal: minimize }
parameters:
  adapter.rank: [2, 4]
  train.max_length: [9999, 64]
run_cap: 3
`,
  )
  const { code, stdout, stderr } = await medtune(['sweep', 'some.yaml', '--runs-dir', 'some'])
  expect(stderr).toMatch(/0000-\w+ starts {2}adapter\.rank=2 train\.max_length=9999\n/)
  expect(stderr).toMatch(/0000-\w+ failed: .*max_length: is 9999, but the model was made for at most 256/)
  expect(stderr).toMatch(/0001-\w+ done in \d+ s: \d/)
  expect(stdout).toMatch(
    /^some: done, all 3 trials were run\n3 trials: 1 done, 2 failed\nbest holdout\.loss: \d/,
  )
  expect(code).toBe(4)
  const folder = only('some')

  const status = JSON.parse((await medtune(['sweep', 'status', folder, '--json'])).stdout)
  expect(status).toMatchObject({
    name: 'some',
    status: 'done (all 3 trials were run)',
    counts: { done: 1, failed: 2 },
  })
  const trial = status.trials[1]
  const record = JSON.parse(readFileSync(path.join(project, folder, trial.run, 'run.json'), 'utf8'))
  expect(record).toMatchObject({ status: 'done', sweep: { id: status.id, trial: trial.id } })

  const best = await medtune(['sweep', 'best', folder, '--against', 'seconds', '--write', 'deep/best.yaml'])
  expect(best.stdout).toMatch(/The best by holdout\.loss \(minimize\)\n {2}0001-\w+ {2}\d/)
  expect(best.stdout).toContain('medtune run deep/best.yaml\n')
  const [winner, wanted] = [
    await loadRecipe(path.join(project, 'deep/best.yaml')),
    await loadRecipe(path.join(project, 'recipe.yaml'), ['adapter.rank=2', 'train.max_length=64']),
  ]
  const { name, model, dataset, ...rest } = winner.recipe
  expect([name, model.path, dataset.path]).toEqual(['some-best', '../model', '../rows.jsonl'])
  expect(rest).toEqual({ ...wanted.recipe, name: undefined, model: undefined, dataset: undefined })
  const again = await medtune(['sweep', 'best', folder, '--write', 'deep/best.yaml'])
  expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/deep\/best\.yaml exists already/)])
})

test('the first signal stops the trials and ends with 130; resume goes on, also to more trials', async () => {
  let sent = false
  const first = await medtune(
    ['sweep', 'sweep.yaml', 'run_cap=2', '--runs-dir', 'stopped'],
    (text, child) => {
      if (sent || !text.includes('0001-')) return
      sent = true
      child.kill('SIGINT')
    },
  )
  expect([first.code, first.stdout]).toEqual([130, expect.stringMatching(/^tiny-sweep: stopped, SIGINT\n/)])
  const folder = only('stopped')
  expect(first.stdout).toContain(`go on with: medtune sweep resume ${folder}\n`)
  const { code, stdout } = await medtune(['sweep', 'resume', folder, '--run-cap', '3', '--json', '--quiet'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, trials: { done: 3, running: 0, waiting: 0 } })
  expect(JSON.parse(readFileSync(path.join(project, folder, 'sweep.json'), 'utf8'))).toMatchObject({
    status: 'done',
    of: 3,
    trials: { done: 3 },
    best: { value: expect.any(Number) },
  })
})

test('a changed recipe, a folder that is no sweep and a mistake of the file end with 2', async () => {
  const folder = only('stopped')
  const recipe = readFileSync(path.join(project, 'recipe.yaml'), 'utf8')
  writeFileSync(path.join(project, 'recipe.yaml'), recipe.replace('rank: 4', 'rank: 5'))
  const changed = await medtune(['sweep', 'resume', folder])
  writeFileSync(path.join(project, 'recipe.yaml'), recipe)
  expect([changed.code, changed.stderr]).toEqual([
    2,
    expect.stringMatching(/recipe\.yaml has changed since the sweep began/),
  ])
  const none = await medtune(['sweep', 'status', 'model'])
  expect([none.code, none.stderr]).toEqual([2, 'error: model: is no sweep folder, it has no sweep.jsonl\n'])
  const wrong = await medtune(['sweep', 'sweep.yaml', 'workers=0', 'methd=grid'])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toMatch(/override "workers=0": workers: must be at least 1, found 0/)
  expect(wrong.stderr).toMatch(/override "methd=grid": methd: unknown key; did you mean "method"/)
  const run = await medtune(['run', 'sweep.yaml'])
  expect([run.code, run.stderr]).toEqual([
    2,
    'error: sweep.yaml is a sweep, not a recipe: medtune sweep sweep.yaml\n',
  ])
  const recipeGiven = await medtune(['sweep', './recipe.yaml'])
  expect([recipeGiven.code, recipeGiven.stderr]).toEqual([
    2,
    expect.stringMatching(
      /^error: \.\/recipe\.yaml is a recipe, not a sweep: medtune run \.\/recipe\.yaml; /,
    ),
  ])
  const lost = await medtune(['validate', 'sweep.yaml', 'recipe=./gone.yaml'])
  expect([lost.code, lost.stderr]).toEqual([
    2,
    expect.stringMatching(/^override "recipe=\.\/gone\.yaml": recipe: .*gone\.yaml does not exist\n$/),
  ])
  for (const words of [
    ['resume', folder],
    ['run', folder],
    ['chat', folder, '--prompt', 'x'],
  ]) {
    const { code, stderr } = await medtune(words)
    expect([words, code, stderr]).toEqual([
      words,
      2,
      expect.stringMatching(/it is a sweep's: .*`medtune sweep resume /),
    ])
  }
  const valid = await medtune(['validate', 'sweep.yaml'])
  expect([valid.code, valid.stdout]).toEqual([
    0,
    'ok sweep.yaml: sweep "tiny-sweep", 3 parameters, 4 trials\n',
  ])
})

test('best: what trials are weighed by beside their metric must be no test in any of them', async () => {
  const qa = '[{ use: multiple-choice, name: qa, path: val.jsonl }]'
  const folder = folderOf({ 'good.yaml': GOOD.replace('[loss]', qa) })
  const events = ['val.jsonl', 'test.jsonl', 'val.jsonl'].flatMap((file, index) => {
    const own = { trial: `000${index}-a`, attempt: 1 }
    const params = { 'eval.0.path': file, 'adapter.rank': 2 + index }
    const metrics = { 'holdout.loss': index, 'qa.accuracy': index / 4 }
    return [
      { type: 'ask', trial: own.trial, index, params },
      { type: 'start', ...own, executor: 'local' },
      { type: 'tell', ...own, status: 'done', value: index, metrics, seconds: 1 },
    ]
  })
  const recipe = path.join(folder, 'good.yaml')
  const best = async (count: number) => {
    const sweep = makeSweep(folder, `sweep-${count}`, {
      id: `s${count}`,
      recipe,
      events: events.slice(0, 3 * count),
    })
    return medtune(['sweep', 'best', sweep, '--against', 'qa.accuracy:max'])
  }
  const [one, all] = [await best(1), await best(3)]
  expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/Best in both: holdout\.loss/)])
  // Not the winner, but one that it is weighed against.
  expect([all.code, all.stderr]).toEqual([
    2,
    expect.stringMatching(/--against qa\.accuracy: "qa" scores path "test\.jsonl", a test by its name/),
  ])
})
