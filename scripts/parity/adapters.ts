/** @file Logits of the whole model: bare, and with adapters that cross from one side to the other and back. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { input, linear, program, takeRows } from '../../src/compute/index.ts'
import { batchInputs, writeSafetensors } from '../../src/nn/index.ts'
import type { AdapterPlan, Executor, Model } from '../../src/plugin/contract.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { openData, splitDataset } from '../../src/run/data.ts'
import { openEngine } from '../../src/run/engine.ts'
import { wholeBatches } from '../../src/run/memory.ts'
import { planAdapter } from '../../src/run/preflight.ts'
import { createStages } from '../../src/run/stages.ts'
import { readFloats, relative } from './compare.ts'
import { type Document, TEMPLATE } from './documents.ts'
import { DATA, script, WORK } from './place.ts'
import type { Reference } from './reference.ts'
import { trainSteps } from './train.ts'

/** Norm of the difference of logits over their norm. */
const LIMIT = 1e-4
/** What an adapter must change at least for the comparison to say anything. */
const EFFECT = 1e-2
const SEVEN = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
/** No module matches two keys: PEFT takes the first, and sorts them when it saves. */
const PATTERNS = {
  rank_pattern: { q_proj: 4, 'layers.3.mlp.up_proj': 2, '^model.layers.1.mlp..*_proj': 6 },
  alpha_pattern: { down_proj: 40, 'layers.[0-2].self_attn.v_proj': 3 },
}

/** Adapters that medtune trains and writes, as options of the recipe. */
const OURS: Readonly<Record<string, object>> = {
  'lora from medtune': {},
  'rslora with patterns from medtune': { rank: 8, alpha: 12, rslora: true, ...PATTERNS },
  'dora from medtune': { rank: 8, alpha: 16, dora: true },
  'dora, rslora, patterns from medtune': { rank: 8, alpha: 12, dora: true, rslora: true, ...PATTERNS },
  'olora from medtune': { init: 'olora' },
  'pissa from medtune': { init: 'pissa' },
}

const peft = (r: number, lora_alpha: number, more: object = {}): object => ({
  r,
  lora_alpha,
  target_modules: SEVEN,
  ...more,
})
/** Adapters that PEFT makes and writes, as settings of its LoraConfig. */
const THEIRS: Readonly<Record<string, object>> = {
  'lora from PEFT': peft(16, 32),
  'rslora with patterns from PEFT': peft(8, 12, { use_rslora: true, ...PATTERNS }),
  'dora from PEFT': peft(8, 16, { use_dora: true }),
  'dora, rslora, patterns from PEFT': peft(8, 12, { use_dora: true, use_rslora: true, ...PATTERNS }),
  'olora from PEFT, converted': peft(8, 16, { init_lora_weights: 'olora', layers_to_transform: [0, 5] }),
  'pissa from PEFT, converted': peft(8, 16, { init_lora_weights: 'pissa', layers_to_transform: [0, 5] }),
}

interface Text {
  readonly ids: readonly number[]
  readonly positions: readonly number[]
}
interface Output {
  readonly print: (line: object) => void
  readonly note: (text: string) => void
}

/** The bare model, and adapters that PEFT makes: prints a line each; whether all agree. */
export async function fromPeftAgrees(side: Sides, { print, note }: Output): Promise<boolean> {
  const { out, texts, ask, open } = prepare(side, 'from-peft')
  note('from PEFT: the reference, bare and with adapters of its own')
  const lengths = Object.keys(texts)
  await ask({ base: lengths, make: THEIRS })
  const found = new Map<string, Float32Array>()
  const bare = await open({})
  for (const name of lengths) found.set(`base-${name}`, await bare.logits(texts[name]!, 0))
  await bare.close()
  for (const name of Object.keys(THEIRS)) {
    note(`from PEFT: medtune, ${name}`)
    const opened = await open({ from: join(out, name) })
    found.set(name, await opened.logits(texts.long!, 1))
    await opened.close()
  }
  return compareLogits(out, found, print)
}

/** Adapters that medtune trains and PEFT loads: prints a line each; whether all agree. */
export async function toPeftAgrees(side: Sides, { print, note }: Output): Promise<boolean> {
  const { out, texts, ask, open } = prepare(side, 'to-peft')
  const found = new Map<string, Float32Array>()
  const load: Record<string, string> = {}
  const start = join(out, 'pissa-start.safetensors')
  for (const [name, options] of Object.entries(OURS)) {
    note(`to PEFT: medtune trains ${name}`)
    const opened = await open(options)
    load[name] = join(out, name)
    mkdirSync(load[name])
    await opened.train()
    await opened.plan.write(load[name], (parameter) => opened.executor.read(parameter))
    if (name.startsWith('pissa')) await writeStart(opened, start)
    found.set(name, await opened.logits(texts.long!, 1))
    await opened.close()
  }
  note('to PEFT: the reference loads them')
  await ask({ base: ['long'], load })
  const factors = await factorsAgree(side.reference, side.model, start, print)
  return compareLogits(out, found, print) && factors
}

export interface Sides {
  readonly reference: Reference
  /** Folder of the model. */
  readonly model: string
  readonly documents: readonly Document[]
}

function prepare({ reference, model, documents }: Sides, name: string) {
  const out = join(WORK, name)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const texts = textsOf(documents)
  const ask = (settings: object): Promise<string> => {
    writeFileSync(join(out, 'settings.json'), JSON.stringify({ model, out, texts, ...settings }))
    return reference.run(script('parity_logits.py'), [join(out, 'settings.json')])
  }
  return { out, texts, ask, open: (adapter: object) => openModel(out, model, adapter) }
}

function compareLogits(
  out: string,
  found: ReadonlyMap<string, Float32Array>,
  print: Output['print'],
): boolean {
  const base = readFloats(join(out, 'base-long.f32'))
  return [...found]
    .map(([name, ours]) => {
      const theirs = readFloats(join(out, `${name}.f32`))
      const apart = relative(ours, theirs)
      const effect = name.startsWith('base-') ? undefined : relative(theirs, base)
      const pass = apart <= LIMIT && (effect === undefined || effect >= EFFECT)
      print({ check: 'logits', name, pass, relative: apart, effect })
      return pass
    })
    .every(Boolean)
}

/** Lengths of the issue, and one with places around the edge of the window, which adapters are seen on. */
function textsOf(documents: readonly Document[]): Readonly<Record<string, Text>> {
  const ids = documents.flatMap((document) => document.ids)
  const text = (length: number, positions: readonly number[]): Text => ({
    ids: ids.slice(0, length),
    positions,
  })
  return {
    1: text(1, [0]),
    17: text(17, [0, 8, 16]),
    600: text(600, [0, 511, 512, 599]),
    1100: text(1100, [0, 512, 1023, 1099]),
    long: text(600, [1, 300, 511, 512, 513, 599]),
  }
}

interface Opened {
  readonly plan: AdapterPlan
  readonly executor: Executor
  /** Logits [positions, vocabulary]. */
  logits(text: Text, gain: number): Promise<Float32Array>
  /** Some steps on short rows, fast enough to be seen in the logits. */
  train(): Promise<void>
  close(): Promise<void>
}

async function openModel(out: string, folder: string, adapter: object): Promise<Opened> {
  const recipe = {
    name: 'parity',
    seed: 42,
    model: { use: 'gemma3', path: folder },
    dataset: { use: 'jsonl', path: DATA, limit: 40 },
    template: { use: 'gemma', ...TEMPLATE },
    adapter: { use: 'lora', ...adapter },
    optimizer: { use: 'adamw', lr: 3e-3 },
    train: { steps: 3, batch_size: 1, max_length: 128, over_length: 'truncate', precision: 'fp32' },
  }
  writeFileSync(join(out, 'recipe.yaml'), JSON.stringify(recipe))
  const resolved = await loadRecipe(join(out, 'recipe.yaml'))
  const warn = (): void => {}
  const stages = await createStages(resolved, warn)
  const model = await stages.model.load()
  const data = await openData(resolved, stages, splitDataset(resolved, stages.dataset), model, warn)
  const plan = planAdapter(resolved, stages, model)
  const engine = await openEngine(resolved, stages, model, plan, wholeBatches(resolved.recipe.train))
  const compiled = logitsProgram(model, plan)
  return {
    plan,
    executor: engine.executor,
    train: async () => void (await trainSteps(resolved, stages, engine, data.train)),
    async logits({ ids, positions }, gain) {
      const length = ids.length
      const feeds = {
        ids: Int32Array.from(ids),
        position: Int32Array.from(ids, (_, t) => t),
        segment: new Int32Array(length),
        branch: new Int32Array(length),
        slots: Int32Array.from(positions),
        gain: Float32Array.of(gain),
      }
      const { run } = await engine.executor.compile(compiled)
      return (await run(feeds, { rows: 1, length, labels: positions.length }, false)).logits!
    },
    async close() {
      await engine.close()
      await data.close()
    },
  }
}

function logitsProgram(model: Model, plan: AdapterPlan) {
  const { hidden, head } = model.build(batchInputs(), plan.attachment)
  return program({
    name: 'logits',
    outputs: { logits: linear(takeRows(hidden, input('slots', 'i32', ['labels'])), head) },
  })
}

/** What PiSSA started from in the first layer and a full one, as factors of scaling * B A. */
async function writeStart({ plan, executor }: Opened, file: string): Promise<void> {
  const scaling = 2
  const names = plan.targets.filter((name) => /layers\.(0|5)\./.test(name))
  const tensors = names.flatMap((name) =>
    (['A', 'B'] as const).map((part) => ({
      name,
      part,
      parameter: `start of base_model.model.${name}.lora_${part}.weight`,
    })),
  )
  const values = new Map<string, Float32Array>()
  for (const { parameter } of tensors) values.set(parameter, await executor.read(parameter))
  await writeSafetensors(
    file,
    tensors.map(({ name, part, parameter }) => {
      const data = values.get(parameter)!
      const shape = part === 'A' ? [16, data.length / 16] : [data.length / 16, 16]
      // The kept B is negated.
      const factor = part === 'A' ? 1 : -scaling
      return {
        name: `${name}.${part.toLowerCase()}`,
        dtype: 'f32',
        shape,
        data: data.map((x) => x * factor),
      }
    }),
    { format: 'pt' },
  )
}

async function factorsAgree(
  reference: Reference,
  model: string,
  file: string,
  print: Output['print'],
): Promise<boolean> {
  const lines = (await reference.run(script('parity_pissa.py'), [model, file])).trim().split('\n')
  return lines
    .map((line) => JSON.parse(line) as { module: string; medtune: number; peft: number })
    .map((one) => {
      const pass = one.medtune <= 1e-5
      print({ check: 'pissa', pass, ...one })
      return pass
    })
    .every(Boolean)
}
