/** @file Opens a model's tokenizer: text to ids and back, with control tokens out of reach of ordinary text. */
import type { Tokenizer as Library } from '@huggingface/tokenizers'
import type { Encoded, Span } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { encodeSpans, type Vocabulary } from './encode.ts'
import {
  type AddedToken,
  readTokenizerFiles,
  type TokenizerFiles,
  tokenizerStamp,
} from './tokenizer-files.ts'
import { wordBoundary } from './word-boundary.ts'

export interface Tokenizer {
  /** One more than the largest id. It may exceed the model's vocabulary: see `<image_soft_token>` of Gemma 3. */
  readonly vocabSize: number
  readonly bosId: number | undefined
  /** What the tokenizer puts before a text that is no conversation, such as `<bos>`; nothing for some families. */
  readonly opening: readonly Span[]
  readonly eosId: number | undefined
  /** Whether it begins a text with `bosId` where it is asked for special tokens; here templates write them. */
  readonly addsBos: boolean
  readonly controlIds: ReadonlySet<number>
  /** Texts of the control tokens, which ordinary text never becomes. */
  readonly controls: readonly string[]
  /** Throws an InputError for a control token that the tokenizer does not have. */
  encode(spans: readonly Span[]): Encoded
  /** The text of the ids, control tokens included. Throws a RangeError for an id that there is none of. */
  decode(ids: ArrayLike<number>): string
  /** The same without the control tokens, as if they were not there. */
  decodeText(ids: ArrayLike<number>): string
  /** Id of a token by its exact text in the vocabulary. */
  tokenId(text: string): number | undefined
}

let last:
  | { readonly folder: string; readonly stamp: string; readonly tokenizer: Promise<Tokenizer> }
  | undefined

/**
 * Opens `tokenizer.json` and `tokenizer_config.json` of a model's folder. The last one opened is kept, since a
 * large one takes a second. Throws an InputError that names the file when one is missing or damaged.
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const stamp = await tokenizerStamp(folder)
  if (last?.folder !== folder || last.stamp !== stamp) last = { folder, stamp, tokenizer: load(folder) }
  return last.tokenizer
}

async function load(folder: string): Promise<Tokenizer> {
  const files = await readTokenizerFiles(folder)
  const { Tokenizer: LibraryTokenizer } = await import('@huggingface/tokenizers')
  const special = specialTokens(files)
  const controls = new Set(special.map((token) => token.content))
  let library: Library
  try {
    // Without its special tokens the library cannot turn a user's text into one of them.
    const added_tokens = files.tokenizer.added_tokens.filter((token) => !controls.has(token.content))
    library = new LibraryTokenizer({ ...files.tokenizer, added_tokens }, { ...files.config })
  } catch (error) {
    throw new InputError(`${folder}: this tokenizer cannot be used (${(error as Error).message})`)
  }
  splitWords(library, files)
  return assemble(library, files, special)
}

/** Marked special, or named as such in tokenizer_config.json. */
function specialTokens({ tokenizer, config }: TokenizerFiles): readonly AddedToken[] {
  const roles = ['bos_token', 'eos_token', 'pad_token', 'unk_token'].map((role) => tokenText(config[role]))
  return tokenizer.added_tokens.filter((token) => token.special || roles.includes(token.content))
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const content = (value as { content?: unknown } | null | undefined)?.content
  return typeof content === 'string' ? content : undefined
}

/**
 * Gemma's tokenizer hands whole paragraphs to its merges. Cut where no merge reaches across, the same tokens
 * come out several times as fast, since most words are then found in the library's cache.
 */
function splitWords(library: Library, { tokenizer }: TokenizerFiles): void {
  const boundary = tokenizer.model.type === 'BPE' ? wordBoundary(tokenizer.model.merges ?? []) : undefined
  if (boundary === undefined) return
  const original = library.pre_tokenizer
  const split = (text: string, options?: object) =>
    (original ? original(text, options) : [text]).flatMap((part: string) => part.split(boundary))
  library.pre_tokenizer = split as unknown as Library['pre_tokenizer']
}

function assemble(library: Library, files: TokenizerFiles, special: readonly AddedToken[]): Tokenizer {
  const { config } = files
  const byText = new Map(special.map((token) => [token.content, token.id]))
  const byId = new Map(special.map((token) => [token.id, token.content]))
  const vocabSize = Math.max(library.model!.vocab.length, ...special.map((token) => token.id + 1))
  const tokenId = (text: string) => byText.get(text) ?? library.token_to_id(text)
  const role = (name: string) => {
    const text = tokenText(config[name])
    return text === undefined ? undefined : tokenId(text)
  }
  const vocabulary: Vocabulary = {
    controls: byText,
    bosId: role('bos_token'),
    eosId: role('eos_token'),
    text: (text) => library.encode(text, { add_special_tokens: false }).ids,
  }
  return {
    vocabSize,
    bosId: vocabulary.bosId,
    opening: addsBos(files) ? [{ text: '<bos>', train: false, control: true }] : [],
    eosId: vocabulary.eosId,
    addsBos: addsBos(files),
    controlIds: new Set(byId.keys()),
    controls: Object.freeze([...byText.keys()]),
    encode: (spans) => encodeSpans(vocabulary, spans),
    decode: (ids) => decode(library, byId, ids),
    decodeText: (ids) =>
      decode(
        library,
        byId,
        Array.from(ids).filter((id) => !byId.has(id)),
      ),
    tokenId,
  }
}

/** Said by tokenizer_config.json, else by the post-processor of tokenizer.json. */
function addsBos({ tokenizer, config }: TokenizerFiles): boolean {
  const bos = tokenText(config.bos_token)
  if (bos === undefined) return false
  if (typeof config.add_bos_token === 'boolean') return config.add_bos_token
  const processor = JSON.stringify(tokenizer.post_processor ?? null)
  return processor.includes(`{"SpecialToken":{"id":${JSON.stringify(bos)}`)
}

function decode(library: Library, controls: ReadonlyMap<number, string>, ids: ArrayLike<number>): string {
  let text = ''
  let run: number[] = []
  const flush = () => {
    if (run.length > 0) text += library.decode(run, { clean_up_tokenization_spaces: false })
    run = []
  }
  for (const id of Array.from(ids)) {
    const control = controls.get(id)
    if (control === undefined && library.id_to_token(id) === undefined)
      throw new RangeError(`there is no token ${id}`)
    if (control === undefined) run.push(id)
    else {
      flush()
      text += control
    }
  }
  flush()
  return text
}
