/**
 * @file Questions of MedMCQA scored a second, beside transformers (PyTorch, fp32, batch 8) on the same ones: prints JSON.
 *   npx tsx --conditions=medtune-source bench/score.ts <model folder> <dev.json> [items] [rounds] --reference <python>
 * The two take turns, so that a busy machine is as busy for both. The reference is measured in two ways: `whole` makes
 * logits of every position, as lm-evaluation-harness does; `last` makes those of the last position alone, which is the
 * least that gives the four letters.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OnnxExecutor } from '../src/compute/onnx/index.ts'
import { openTokenizer } from '../src/data/index.ts'
import { choiceGroup, createScorer } from '../src/eval/index.ts'
import { frozen, gemma3 } from '../src/nn/index.ts'
import { buildPrograms, feedsFor } from '../src/train/step.ts'

const words = process.argv.slice(2)
const at = words.indexOf('--reference')
const python = at >= 0 ? words.splice(at, 2)[1] : undefined
const [folder, file, items = '64', rounds = '2', prepack = 'false'] = words
if (folder === undefined || file === undefined)
  throw new Error('usage: bench/score.ts <model folder> <dev.json> [items] [rounds] [prepack]')

const model = await gemma3(folder)
const tokenizer = await openTokenizer(folder)
const rows = readFileSync(file, 'utf8')
  .split('\n')
  .slice(0, Number(items))
  .map((line) => JSON.parse(line))
const started = performance.now()
const groups = rows.map(({ question, opa, opb, opc, opd }) => {
  const text = `Question: ${question}\nChoices:\nA. ${opa}\nB. ${opb}\nC. ${opc}\nD. ${opd}\nAnswer:`
  const choices = [' A', ' B', ' C', ' D']
  return choiceGroup(
    (spans) => tokenizer.encode(spans),
    [...tokenizer.opening, { text, train: false }],
    choices,
  )
})
const encodeSeconds = (performance.now() - started) / 1000

const plan = { trainable: 0, targets: [], attachment: frozen, write: async () => {} }
const { score } = buildPrograms(model, plan)
const executor = new OnnxExecutor({ threads: 0, prepack: prepack === 'true', arena: true, provider: 'cpu' })
const { run } = await executor.compile(score)
const scorer = createScorer(async ({ rows: count, length, labels, tokens: _, labelTokens: __, ...batch }) => {
  const feeds = feedsFor(score, { ...batch, gain: Float32Array.of(0) })
  return (await run(feeds, { rows: count, length, labels }, false)).logProb!
})
await scorer.scoreChoices(groups.slice(0, 4))

const script = fileURLToPath(new URL('./score_reference.py', import.meta.url))
const results = []
for (let round = 0; round < Number(rounds); round++) {
  const start = performance.now()
  await scorer.scoreChoices(groups)
  const medtune = groups.length / ((performance.now() - start) / 1000)
  const reference = python
    ? JSON.parse(spawnSync(python, [script, folder, file, items], { encoding: 'utf8' }).stdout)
    : undefined
  results.push({
    medtune,
    ...reference,
    ...(reference ? { by_whole: medtune / reference.whole, by_last: medtune / reference.last } : {}),
  })
}
await executor.close()
const tokens = groups.reduce((total, { prompt }) => total + prompt.length, 0)
console.log(
  JSON.stringify(
    { items: groups.length, tokens, encode_seconds: encodeSeconds, items_per_second: results },
    null,
    2,
  ),
)
