/** @file `medtune/data`: from rows to batches, and what data set plugins share. */
export { type Tokenizer, openTokenizer } from './tokenizer.ts'
