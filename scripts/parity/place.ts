/** @file Where the comparison finds its data and keeps its files. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cacheFolder } from '../../src/util/cache-folder.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SHARED = resolve(ROOT, '../shared/data')
const real = existsSync(join(SHARED, 'sft'))

/** Kept between runs: the Python environment and the random model. */
export const WORK = cacheFolder('parity')
/** The real rows and tokenizer where they are at hand, else the ones that ship. */
export const DATA = real
  ? join(SHARED, 'sft/medical_o1_demo198.jsonl')
  : join(ROOT, 'recipes/quickstart/train.jsonl')
export const TOKENIZER = real ? join(SHARED, 'gemma3-tokenizer') : join(ROOT, 'models/tiny-gemma3')
export const script = (name: string): string => join(ROOT, 'test/reference', name)
