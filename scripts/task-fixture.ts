/**
 * @file Makes test/fixtures/tasks/scores.json: a small model's scores by lm-evaluation-harness, with and without examples
 * and chat turns: npx tsx --conditions=medtune-source scripts/task-fixture.ts <python with lm_eval>
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { writeTaskModel } from '../test/helpers/task-model.ts'

const ROOT = resolve(import.meta.dirname, '..')
const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('usage: scripts/task-fixture.ts <python>')
const folder = mkdtempSync(join(tmpdir(), 'medtune-tasks-'))
await writeTaskModel(folder)
const settings = ['medmcqa', 'pubmedqa'].flatMap((task) =>
  [false, true].flatMap((chat) => [0, 2].map((fewshot) => ({ task, chat, fewshot }))),
)
const found = settings.map((setting) => {
  const { task, chat, fewshot } = setting
  const out = join(folder, 'out.jsonl')
  const options = ['--fewshot', String(fewshot), '--whole', ...(chat ? ['--chat'] : [])]
  const args = [join(folder, 'model'), task, join(folder, `${task}.jsonl`), out, ...options]
  const { status } = spawnSync(python, [join(ROOT, 'test/reference/task_scores.py'), ...args], {
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`${task}: the reference failed`)
  const items = readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { ...setting, items }
})
writeFileSync(join(ROOT, 'test/fixtures/tasks/scores.json'), `${JSON.stringify(found, null, 1)}\n`)
rmSync(folder, { recursive: true, force: true })
