/** @file `medtune/data`: from rows to batches, and what data set plugins share. */

export { streamOf, uniform } from '../util/random.ts'
export type { Census, Fate } from './census.ts'
export {
  type Batch,
  collate,
  collateSegments,
  documentSegment,
  labelCount,
  padded,
  type Segment,
} from './collate.ts'
export { ContaminationIndex, type SoughtItem, textsOf, WAYS, type Way } from './contamination.ts'
export { requireFile } from './files.ts'
export { type PairList, type RowFindings, type RowList, sharedRows } from './findings.ts'
export {
  checkAlternation,
  FORM_NAMES,
  type FormName,
  formColumns,
  type LossOn,
  readTurns,
  recogniseForm,
  type Turn,
} from './forms.ts'
export { checkHoldout, type HoldoutOptions, heldOut } from './holdout.ts'
export { downloadSnapshot, openRepo } from './hub.ts'
export { uploadModel } from './hub-upload.ts'
export { applyLength, type OverLength } from './length-policy.ts'
export { MODEL_FILES, MODEL_OPTIONS, type ModelPlace, modelSource } from './model-source.ts'
export { epochOrder, permutation } from './order.ts'
export { packBins } from './pack.ts'
export { rowNumber as numberOfRow } from './row-number.ts'
export { type EncodedSplit, encodeSplit, type SplitOptions } from './split.ts'
export { openTokenizer, type Tokenizer } from './tokenizer.ts'
