/**
 * @file Tokens a second of greedy generation, beside transformers.js on the same weights, in turn: prints JSON.
 *   python bench/generate_onnx.py <model folder> <onnx folder>
 *   npx tsx --conditions=medtune-source bench/generate.ts <model folder> <onnx folder> [rows] [prompt tokens] [tokens] [rounds]
 * With `--reference <python>`, PyTorch's too, after them. All sides compute in fp32 with packed weights, by a thread a core
 * (medtune as it ships; `--threads <n>` sets both). Each has a process of its own, as a user's would: two copies of the
 * runtime in one slow each other down, and not equally. A round is one call of each, so that a busy machine is as busy for
 * both; the other process is stopped meanwhile, since what an answer leaves to clean up may take seconds. `seconds` are those of whole calls, `step` is what a token behind the first takes. Where others use the machine,
 * take `--threads 1` and compare `cpu_seconds`, which do not count the time that others had (with more threads they count
 * waiting, too).
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { gemma3 } from '../src/nn/index.ts'
import { bits } from '../src/util/random.ts'
import type { Side, Timed } from './generate_side.ts'

const words = process.argv.slice(2)
const flag = (name: string): string | undefined => {
  const at = words.indexOf(name)
  return at >= 0 ? words.splice(at, 2)[1] : undefined
}
const python = flag('--reference')
const fixed = flag('--threads')
const threads = fixed === undefined ? undefined : Number(fixed)
const [folder, onnx, rows = '1', promptTokens = '64', tokens = '64', rounds = '5'] = words
if (folder === undefined || onnx === undefined)
  throw new Error(
    'usage: bench/generate.ts <model folder> <onnx folder> [rows] [prompt tokens] [tokens] [rounds]',
  )

const { vocabSize } = await gemma3(folder)
const prompts = Array.from({ length: Number(rows) }, (_, row) =>
  Array.from({ length: Number(promptTokens) }, (_, i) =>
    i === 0 ? 2 : 7 + (bits(1, row, i) % (Math.min(vocabSize, 200_000) - 7)),
  ),
)

async function open(side: Side): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./generate_side.ts', import.meta.url)))
  child.once('exit', (code) => {
    if (code) throw new Error(`${side.name} ended with ${code}`)
  })
  child.send(side)
  await once(child, 'message')
  child.kill('SIGSTOP')
  return child
}

async function timed(child: ChildProcess, count: number): Promise<Timed> {
  child.kill('SIGCONT')
  child.send(count)
  const [answer] = (await once(child, 'message')) as [Timed]
  child.kill('SIGSTOP')
  return answer
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

function figures(
  whole: readonly number[],
  first: readonly number[],
  more: { readonly cpu?: readonly number[]; readonly peak?: number } = {},
) {
  const count = Number(rows) * Number(tokens)
  return {
    tokens_per_second: count / median(whole),
    best_tokens_per_second: count / Math.min(...whole),
    first_token_seconds: median(first),
    step_seconds: (median(whole) - median(first)) / (Number(tokens) - 1),
    seconds: whole,
    ...(more.cpu && { cpu_seconds: { median: median(more.cpu), least: Math.min(...more.cpu) } }),
    ...(more.peak !== undefined && { peak_rss_bytes: more.peak }),
  }
}

async function measured(side: Side) {
  return { child: await open(side), whole: [] as Timed[], first: [] as number[] }
}
const sides = {
  medtune: await measured({ name: 'medtune', folder, prompts, threads }),
  transformers_js: await measured({ name: 'transformers_js', folder: onnx, prompts, threads }),
}
for (let round = 0; round < Number(rounds); round++) {
  for (const { child, whole, first } of Object.values(sides)) {
    whole.push(await timed(child, Number(tokens)))
    first.push((await timed(child, 1)).seconds)
  }
}
for (const { child } of Object.values(sides)) child.kill('SIGKILL')

const equal = (a: Timed['ids'], b: Timed['ids']): number =>
  a
    .flatMap((list, row) => list.map((id, t) => (id === b[row]![t] ? 1 : 0) as number))
    .reduce((x, y) => x + y, 0)

const script = fileURLToPath(new URL('./generate_reference.py', import.meta.url))
const reference = python
  ? (JSON.parse(
      spawnSync(python, [script, folder, JSON.stringify(prompts), tokens, rounds], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      }).stdout,
    ) as { seconds: number[]; first: number[]; ids: number[][] })
  : undefined

const figuresOf = ({ whole, first }: (typeof sides)['medtune']) =>
  figures(
    whole.map(({ seconds }) => seconds),
    first,
    { cpu: whole.map(({ cpu }) => cpu), peak: whole.at(-1)!.peak },
  )
const [ours, theirs] = [sides.medtune.whole, sides.transformers_js.whole]
const ratios = theirs.map(({ seconds }, i) => seconds / ours[i]!.seconds)
const count = Number(rows) * Number(tokens)
console.log(
  JSON.stringify(
    {
      rows: Number(rows),
      prompt_tokens: Number(promptTokens),
      tokens: Number(tokens),
      medtune: figuresOf(sides.medtune),
      transformers_js: figuresOf(sides.transformers_js),
      faster_than_transformers_js: { median: median(ratios), rounds: ratios },
      cpu_of_transformers_js: median(ours.map(({ cpu }, i) => cpu / theirs[i]!.cpu)),
      equal_tokens: `${equal(ours[0]!.ids, theirs[0]!.ids)} of ${count}`,
      ...(reference && {
        pytorch: figures(reference.seconds, reference.first),
        equal_to_pytorch: `${equal(ours[0]!.ids, reference.ids)} of ${count}`,
      }),
    },
    null,
    1,
  ),
)
