/** @file Generation: a program with a cache, the loop that drives it, and how a token is taken. */
export { decode, decoderOf, type RunGenerator } from './decode.ts'
export { keptLayers, LAST, LOGITS, pastInputs, presentName } from './program.ts'
export type { DecodeControl, Decoded, DecodePrompts, DecodeRequest, Sampling } from './request.ts'
export { chooseToken } from './sample.ts'
