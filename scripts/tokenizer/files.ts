/** @file A vocabulary as tokenizer.json and tokenizer_config.json, in the layout of Gemma 3's own. */
import { readFileSync } from 'node:fs'
import { CONTROLS, NEWLINES, type Vocabulary } from './vocabulary.ts'
import { SPACE } from './words.ts'

const MAX_LENGTH = 2048

/** tokenizer.json, the format of the tokenizers library. */
export function tokenizerJson({ tokens, merges }: Vocabulary): object {
  const bos = { SpecialToken: { id: '<bos>', type_id: 0 } }
  const first = { Sequence: { id: 'A', type_id: 0 } }
  const second = [{ SpecialToken: { id: '<bos>', type_id: 1 } }, { Sequence: { id: 'B', type_id: 1 } }]
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
    pre_tokenizer: {
      type: 'Split',
      pattern: { String: ' ' },
      behavior: 'MergedWithPrevious',
      invert: false,
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [bos, first],
      pair: [bos, first, ...second],
      special_tokens: { '<bos>': { id: '<bos>', ids: [tokens.indexOf('<bos>')], tokens: ['<bos>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
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
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  }
}

/** tokenizer_config.json: which token plays which role, and the chat template. */
export function tokenizerConfig(): object {
  return {
    add_bos_token: true,
    add_eos_token: false,
    added_tokens_decoder: Object.fromEntries(addedTokens().map(({ id, ...token }) => [id, token])),
    bos_token: '<bos>',
    chat_template: readFileSync(new URL('chat-template.jinja', import.meta.url), 'utf8'),
    clean_up_tokenization_spaces: false,
    eos_token: '<eos>',
    model_max_length: MAX_LENGTH,
    pad_token: '<pad>',
    padding_side: 'left',
    tokenizer_class: 'GemmaTokenizer',
    unk_token: '<unk>',
  }
}

/** Controls and newlines open the vocabulary, so an index is an id. */
function addedTokens() {
  return [...CONTROLS, ...NEWLINES].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: id < CONTROLS.length,
  }))
}
