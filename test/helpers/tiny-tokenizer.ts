/** @file Writes a small tokenizer of Gemma's kind: space marks, byte fallback, control tokens, a few merges. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const CONTROLS = ['<pad>', '<eos>', '<bos>', '<unk>', '<start_of_turn>', '<end_of_turn>']
const MERGES = [
  // Reaches across a space mark, so words may not be cut after '>'.
  ['>', '▁'],
  ['▁', 't'],
  ['h', 'e'],
  ['▁t', 'he'],
  ['a', 'n'],
  ['▁', 'an'],
  ['o', 'r'],
]

/** Ids: controls 0 to 5, newlines 6 and 7, bytes, then characters and merges. Returns the vocabulary. */
export async function writeTinyTokenizer(folder: string): Promise<Record<string, number>> {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  const chars = [...'▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;?!<>_{}"\'']
  const tokens = [...CONTROLS, '\n', '\n\n', ...bytes, ...chars, ...MERGES.map((pair) => pair.join(''))]
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const added = [...CONTROLS, '\n', '\n\n'].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: id < CONTROLS.length,
  }))
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges: MERGES,
    },
  }
  const config = {
    tokenizer_class: 'GemmaTokenizer',
    bos_token: '<bos>',
    eos_token: '<eos>',
    pad_token: '<pad>',
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  return vocab
}
