/**
 * @file What a plugin of each kind creates. A plugin is a plain object (`definePlugin`); its options are
 * a JSON Schema literal and reach `create` exactly as validated. One line in `Stages` makes a new kind.
 */
import type { Dims, Executor, Optimizer } from '../compute/executor.ts'
import type { Program, Value } from '../compute/graph.ts'
import type { Options, OptionsSchema } from './options.ts'
import type { Pruner, Sampler, TrialExecutorSource } from './sweep.ts'

export type {
  CompiledProgram,
  Dims,
  Executor,
  Feeds,
  Optimizer,
  OptimizerSpec,
  TrainedTensor,
  UpdateScalars,
} from '../compute/executor.ts'
export { InputError, OptionError } from '../util/errors.ts'
export type * from './sweep.ts'

// ---------------------------------------------------------------------------------- data

/** One record of a dataset, as its file has it: column name -> value. */
export type Row = Readonly<Record<string, unknown>>

export type Split = 'train' | 'holdout'

export interface Dataset {
  /**
   * Streams the rows of a split in a stable order; shuffling belongs to the batcher. A plugin serves
   * 'train' (all rows it has); the engine cuts the holdout from it by seed (`src/data/holdout.ts`).
   */
  read(split: Split): AsyncIterable<Row>
  /** Whether it serves rows of 'holdout' itself; the engine then cuts none. */
  readonly ownHoldout?: boolean
  /** How often a row of 'train' is learned in one epoch; once where left out. The holdout is cut before rows repeat. */
  times?(row: Row): number
}

/**
 * A run of text of one training document. The loss is taken only over spans with `train: true`.
 * Control tokens (`<end_of_turn>`) are recognised only in spans with `control: true`: the same text in a
 * user's data stays ordinary text.
 */
export interface Span {
  readonly text: string
  readonly train: boolean
  readonly control?: boolean
}

export interface Template {
  /** Columns that the template reads; a dataset that lacks one is a recipe error. */
  readonly columns: readonly string[]
  /** What the template takes a row for, such as `sharegpt`, where it goes by the row; `plan` shows it. */
  form?(row: Row): string
  /**
   * Called once, with the folder of the loaded model, before anything is rendered: for a template that the
   * model's own files decide. Throws an InputError where they do not serve.
   */
  open?(modelFolder: string): Promise<void>
  /** The whole document: prompt and answer. */
  render(row: Row): readonly Span[]
  /** A conversation up to the place where the model begins to write, for evaluation and chat. */
  prompt(user: string): readonly Span[]
  /**
   * A conversation of several turns, up to the place where the model begins to write; the last turn is the user's. A
   * system turn, which comes first, stands behind the template's own system text.
   */
  converse?(turns: readonly ChatTurn[]): readonly Span[]
  /** Control tokens that end the model's turn, beside those that the checkpoint names. */
  ends?(): readonly string[]
}

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

// ---------------------------------------------------------------------------------- model

/** A frozen tensor that lies in a safetensors file and is read from there in place. */
export interface WeightSlice {
  readonly name: string
  readonly file: string
  /** Byte offset from the start of the file. */
  readonly offset: number
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly shape: readonly number[]
}

/** A place where an adapter may attach: one linear projection of the model. */
export interface LinearSite {
  /** Full module name as PEFT knows it, such as `model.layers.0.self_attn.q_proj`. */
  readonly name: string
  readonly inFeatures: number
  readonly outFeatures: number
}

/** A linear projection while the graph is built. */
export interface LinearCall extends LinearSite {
  /** [rows, length, inFeatures] */
  readonly input: Value
  /** [rows, length, outFeatures]: the frozen projection of `input`. */
  readonly output: Value
  /** [outFeatures, inFeatures]: what projects. */
  readonly weight: Value
  /** Scalar input: 1 while the adapter is on, 0 for the base model. */
  readonly gain: Value
}

/** The inputs of a batch as graph values; see `Batch` for their meaning. */
export interface BatchValues {
  readonly ids: Value
  readonly position: Value
  readonly segment: Value
  readonly branch: Value
  readonly gain: Value
  /** What earlier tokens of the same rows left behind, where the batch continues them. */
  readonly past?: PastValues
}

/** Keys and values of one layer: [rows, heads, tokens, headDim] each, keys turned by their positions. */
export interface KeyValues {
  readonly k: Value
  readonly v: Value
}

export interface PastValues {
  /** [rows, past] each; a slot with segment -1 holds nothing. */
  readonly place: { readonly segment: Value; readonly branch: Value; readonly position: Value }
  readonly layers: readonly KeyValues[]
}

/** How a model is told to treat its weights and projections while its graph is built. */
export interface Attachment {
  weight(slice: WeightSlice): Value
  linear(call: LinearCall): Value
}

export interface Model {
  /** Folder that holds config.json, tokenizer.json and the weights. */
  readonly folder: string
  /** What others call it: a Hub repository and commit. Left out where only the folder is known. */
  readonly origin?: { readonly repo: string; readonly revision: string }
  /** What `config.json` says, as read. */
  readonly config: Readonly<Record<string, unknown>>
  readonly vocabSize: number
  readonly maxLength: number
  /** All parameters of the model, trainable or not. */
  readonly parameters: number
  /** Every linear projection an adapter may attach to, in module order. */
  readonly sites: readonly LinearSite[]
  readonly weights: readonly WeightSlice[]
  /** Rough multiply-adds a token, for `medtune plan`. */
  readonly cost: ModelCost
  /** Shape of the keys and values that each layer keeps of a token. */
  readonly kept: readonly { readonly heads: number; readonly headDim: number }[]
  /** Builds the graph up to the final norm. */
  build(batch: BatchValues, attachment: Attachment): Built
}

/** What a model's graph comes to. */
export interface Built {
  /** [rows, length, H], behind the final norm. */
  readonly hidden: Value
  /** [V, H]: what the logits are products with. */
  readonly head: Value
  /**
   * [rows, length, H] each: the residual stream before, between and behind the layers, in their order. Recompute keeps
   * these alone; a model that leaves them out cannot have its activations computed anew.
   */
  readonly boundaries?: readonly Value[]
  /** Where the batch has a past: what each layer keeps of it, a layer each. */
  readonly presents?: readonly KeyValues[]
}

export interface ModelCost {
  /** Multiply-adds of a forward pass for one token, without the head. */
  readonly body: number
  /** Multiply-adds of the head for one label. */
  readonly head: number
}

export interface ModelSource {
  load(): Promise<Model>
}

/** Reads trained parameters by name once training is done. */
export type ReadParameter = (name: string) => Promise<Float32Array>

export interface Adapter {
  /**
   * Chooses its targets among the model's sites and checks its options against them; throws a
   * `RecipeError`-shaped `OptionError` that names the option when they do not fit.
   */
  plan(model: Model): AdapterPlan
  /** Folder of the trained adapter that training starts from; left out where it starts from the model as it is. */
  readonly from?: string
  /**
   * What `AdapterPlan.write` left in a folder, for a model to be asked with it; nothing of the recipe's own options
   * counts. @throws InputError where the folder holds no such adapter, or one of another model
   */
  open?(folder: string, model: Model): AdapterPlan
}

export interface AdapterPlan {
  /** Number of trainable values. */
  readonly trainable: number
  /** Names of the sites (lora) or tensors (full) that train. */
  readonly targets: readonly string[]
  readonly attachment: Attachment
  /** How the model is adapted while it trains, where that differs from `attachment`: with dropout. */
  readonly training?: TrainingAttachment
  /** Writes the trained result in its own file format into an existing empty folder. */
  write(folder: string, read: ReadParameter): Promise<void>
}

/** Dropout masks enter the training program as inputs, made anew for each micro-batch. */
export interface TrainingAttachment {
  readonly attachment: Attachment
  /** Share of the values that are dropped, below 1. */
  readonly dropout: number
  /** u8 inputs [rows, length, width]: 1 keeps a value, 0 drops it. */
  readonly masks: readonly { readonly name: string; readonly width: number }[]
  /** A scalar input: 1 / (1 - dropout) while values are dropped, 1 with masks that keep all. */
  readonly scaleInput: string
}

// ---------------------------------------------------------------------------------- training

export interface Schedule {
  /**
   * Factor on the learning rate `lr` for the optimizer step that follows `step` completed ones.
   * @throws OptionError where an option does not go with `lr`; asked once before a run begins.
   */
  at(step: number, total: number, lr: number): number
}

// ---------------------------------------------------------------------------------- evaluation

/** Token ids with a mask of the same length: 1 where a token's own log-probability counts. */
export interface Encoded {
  readonly ids: Int32Array
  readonly mask: Uint8Array
}

/** A prompt with alternatives behind it, scored in one row by the branch rule of attention. */
export interface ChoiceGroup {
  readonly prompt: Int32Array
  readonly choices: readonly Int32Array[]
}

/** How text is generated. Left out, the likeliest token is taken every time. */
export interface GenerateOptions {
  /** Most tokens of an answer, the one that ends it included. */
  readonly max_tokens: number
  /** The logits are divided by it; 0, the default, takes the likeliest token (greedy) and draws nothing. */
  readonly temperature?: number
  /** Draws among this many likeliest tokens only; 0: among all. */
  readonly top_k?: number
  /** Draws among the fewest likeliest tokens whose probabilities reach this sum. */
  readonly top_p?: number
  /** Draws among tokens at least this probable, as a share of the likeliest one's probability. */
  readonly min_p?: number
  /** Above 1: tokens of the prompt and the answer so far become less likely. */
  readonly repetition_penalty?: number
  /** A drawn token is a function of (seed, number of the prompt, number of the token), whatever is asked beside it. */
  readonly seed?: number
  /** Number of the first prompt, where a longer list is asked in parts. 0 if left out. */
  readonly first?: number
  /** Tokens that end an answer; those of the checkpoint and of the template if left out. */
  readonly stop_tokens?: readonly number[]
  /** Texts that end an answer: it is cut before the first of them. */
  readonly stop?: readonly string[]
  /** Whether the log-probability of each token is wanted. */
  readonly log_probs?: boolean
  /** Stops between two tokens by throwing its reason. */
  readonly signal?: AbortSignal
}

export interface Generation {
  /** The answer's tokens; one that ended it is the last. */
  readonly ids: Int32Array
  /** Without control tokens, and cut before a text of `stop`. */
  readonly text: string
  /** `length`: max_tokens were reached, or the model's last position. */
  readonly finish: 'stop' | 'length'
  /** Of each token, by the model itself: before penalty, temperature and cuts. */
  readonly logProbs?: Float32Array
}

/** Hears each answer as it grows, in whole characters; `prompt` is its place in the list. */
export type OnText = (text: string, prompt: number) => void

/** The model under test, base or tuned; shared by every evaluation. */
export interface Subject {
  readonly which: 'base' | 'tuned'
  /** The recipe's own template and tokenizer. */
  readonly template: Template
  encode(spans: readonly Span[]): Encoded
  /** What the tokenizer puts before a text that is no conversation, such as `<bos>`. */
  readonly opening: readonly Span[]
  /** Positions that the model was made for. */
  readonly maxLength: number
  /** Aborts where the run is to stop: for an evaluation that waits for others than the model. */
  readonly signal?: AbortSignal
  /** Tells how far an evaluation is with what is not asked of the model. */
  progress?(done: number, total: number): void
  /** The held-out documents of the dataset, encoded as in training. */
  holdout(): Promise<readonly Encoded[]>
  /** Summed log-probability and count of the labelled tokens of each document (natural log). */
  scoreDocuments(
    documents: readonly Encoded[],
  ): Promise<readonly { readonly sum: number; readonly tokens: number }[]>
  /** Summed log-probability of each choice, given its prompt. */
  scoreChoices(groups: readonly ChoiceGroup[]): Promise<readonly (readonly number[])[]>
  /**
   * One answer for each prompt, in order. Many prompts are decoded side by side.
   * @throws InputError for a prompt that is empty or leaves the model no position to write at
   */
  generate(
    prompts: readonly Int32Array[],
    options: GenerateOptions,
    onText?: OnText,
  ): Promise<readonly Generation[]>
}

/** One line of `eval/<name>.<base|tuned>.jsonl`. `weight` is the unit count behind `score` (tokens, or 1). */
export interface EvalItem {
  readonly id: string
  readonly score: number
  readonly weight: number
  /** What the item shares with others, such as a passage: they count as one draw. */
  readonly cluster?: string
  /** Which part of a group of tasks it belongs to; each part is reported by itself too. */
  readonly part?: string
  /** Further scores of the same item, by metric; each is reported with its own interval and test. */
  readonly also?: Readonly<Record<string, number>>
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface EvalOutcome {
  /** Name of the headline figure: sum(score) / sum(weight) over the items. */
  readonly metric: string
  readonly better: 'higher' | 'lower'
  readonly items: readonly EvalItem[]
  /** Further figures to report beside it. */
  readonly extra?: Readonly<Record<string, number>>
  /** What the figures rest on, such as the model that judged. */
  readonly about?: Readonly<Record<string, string>>
}

export interface Evaluation {
  /** Whether it reads the subject's held-out documents: then `dataset.holdout` must keep some. */
  readonly needsHoldout?: boolean
  /** What makes its items a test set, such as `the split "test"`: neither a sweep nor early stopping may choose by it. */
  readonly test?: string
  /** Whether its prompts go through the recipe's template, so that another template puts them in another way; not known if left out. */
  readonly templated?: boolean
  /**
   * Reads, and downloads where it must, what it will ask; called once, before a run has a folder.
   * Throws what a bad option or file is told with.
   */
  prepare?(): Promise<void>
  /** Its items, by their ids, as training rows must not contain them. */
  texts?(): Promise<readonly { readonly id: string; readonly text: string }[]>
  evaluate(subject: Subject): Promise<EvalOutcome>
}

// ---------------------------------------------------------------------------------- events

export interface Hardware {
  readonly cpu: string
  readonly cores: number
  readonly memory_bytes: number
  readonly platform: string
  readonly node: string
}

/** Everything that happens in a run, in order; `events.jsonl` is this stream and nothing else is a source of truth. */
export type RunEvent = { readonly time: string } & RunEventBody
export type RunEventBody =
  | {
      readonly type: 'start'
      readonly recipe: Readonly<Record<string, unknown>>
      readonly hardware: Hardware
    }
  | {
      /** A run goes on that was interrupted. Steps behind this one, as far as they were heard of, come again. */
      readonly type: 'resume'
      readonly step: number
      readonly recipe: Readonly<Record<string, unknown>>
      readonly hardware: Hardware
    }
  | {
      readonly type: 'step'
      readonly step: number
      readonly epoch: number
      readonly loss: number
      readonly grad_norm: number
      readonly lr: number
      readonly tokens: number
      readonly label_tokens: number
      readonly seconds: number
    }
  | {
      readonly type: 'eval'
      readonly step: number
      readonly name: string
      readonly scores: Readonly<Record<string, number>>
    }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string }
  /** Every few seconds: memory of the process, and how many cores it kept busy since the last time. */
  | { readonly type: 'system'; readonly rss_bytes: number; readonly cpu: number }
  | { readonly type: 'sample'; readonly step: number; readonly prompt: string; readonly text: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }
  | { readonly type: 'end'; readonly status: 'done' | 'failed' | 'stopped'; readonly reason?: string }

export interface Tracker {
  /** Called once, before the first event, with the run's folder, in which a tracker may keep files of its own. */
  open?(folder: string): void | Promise<void>
  /** Of a run that died `medtune sync` tells an end too, which its events.jsonl lacks. */
  record(event: RunEvent): void | Promise<void>
  close?(): void | Promise<void>
}

// ---------------------------------------------------------------------------------- export and compute

/** What is left of a run for an exporter: the model, the adapter's folder, and where to read parameters. */
export interface TunedModel {
  readonly model: Model
  readonly adapter: AdapterPlan
  readonly read: ReadParameter
}

export interface Exporter {
  write(tuned: TunedModel, folder: string): Promise<void>
}

/** Bytes that a program takes in an executor, beside its parameters and the inputs that it is fed. */
export interface ProgramMemory {
  /** Frozen weights and what the executor makes of them: there as long as the program is loaded. */
  readonly weights: number
  /** Intermediate values at the moment of a run when they are most, with what is lost between them. */
  readonly activations: number
}

export interface ExecutorSource {
  readonly precisions: readonly ('fp32' | 'bf16')[]
  /** What `precision: auto` chooses on this machine. */
  readonly auto: 'fp32' | 'bf16'
  /** Threads of one operator, for the run's record. */
  readonly threads?: number
  open(precision: 'fp32' | 'bf16'): Promise<Executor>
  /**
   * What a program takes in memory, for any sizes of its named dims. Left out by an executor that cannot tell: its
   * runs are not fitted to a memory budget.
   */
  memory?(program: Program): Promise<(dims: Dims) => ProgramMemory>
}

// ---------------------------------------------------------------------------------- the contract

/** Stage kind -> what a plugin of that kind creates. Adding a kind is one line here and one in STAGES. */
export interface Stages {
  dataset: Dataset
  template: Template
  model: ModelSource
  adapter: Adapter
  optimizer: Optimizer
  schedule: Schedule
  eval: Evaluation
  tracker: Tracker
  export: Exporter
  compute: ExecutorSource
  sampler: Sampler
  pruner: Pruner
  executor: TrialExecutorSource
}
export type StageKind = keyof Stages

export interface StageContext {
  /** Folder of the recipe: relative paths in options start here (`resolvePath`). */
  readonly recipeDir: string
  /** Resolves a path option: relative to the recipe, or to the working directory where an override set it. */
  resolvePath(path: string): string
  readonly seed: number
  /** Reads a YAML file of the plugin's own; mistakes in it are told as those of a recipe. */
  readYaml?(file: YamlPlace, schema: OptionsSchema): Promise<YamlFile>
  /** Reports something the user should know; it is printed and recorded in the run. */
  warn(code: string, message: string): void
  /**
   * Notes a file or folder that the stage reads, so that the run's record holds its hash. What `resolvePath`
   * resolved is noted already; this is for files found otherwise, such as downloads.
   */
  uses?(path: string): void
  /** Says how far something that takes a while is, such as a download; `unit` is what is counted. */
  progress?(phase: string, done: number, total: number, unit?: 'bytes'): void
}

export interface YamlPlace {
  /** A path, as the option has it, or the bare name of a file that ships in `folder`. */
  readonly target: string
  /** Folder of the package with files of this sort, such as `tasks`. */
  readonly folder: string
  /** What such a file is called in an error: `task`. */
  readonly what: string
  /** The option that named it. */
  readonly option: string
}

/** A YAML file that was read against a schema: frozen, with its defaults. `extends` was followed. */
export interface YamlFile {
  readonly file: string
  readonly value: Readonly<Record<string, unknown>>
  /** A mistake that shows only later, placed where the key at `path` was written. */
  error(path: string, message: string): Error
  /** A relative path of the file's key at `path`, made absolute. */
  resolvePath(path: string, value: string): string
  /** Makes the file's `dataset`, with `changes` laid over it, as a recipe's would be made. */
  dataset(changes?: Readonly<Record<string, unknown>>): Promise<Dataset>
}

// biome-ignore lint/suspicious/noExplicitAny: a plugin of unknown options takes any; `OptionsSchema` would compare whole schemas.
export interface Plugin<K extends StageKind = StageKind, S extends OptionsSchema = any> {
  readonly kind: K
  readonly name: string
  readonly summary: string
  readonly options: S
  create(options: Options<S>, context: StageContext): Stages[K] | Promise<Stages[K]>
}

/** Types the options of `create` from the schema literal; returns the plugin unchanged. */
export function definePlugin<K extends StageKind, const S extends OptionsSchema>(
  plugin: Plugin<K, S>,
): Plugin<K, S> {
  return plugin
}
