/** @file The rows of a run: what is trained on, what is held out, and what became of them on the way. */
import { type EncodedSplit, encodeSplit, heldOut, openTokenizer, type Tokenizer } from '../data/index.ts'
import type { Dataset, Encoded, Model, Split, StageContext } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { cacheFolder } from '../util/cache-folder.ts'
import { checkSplits } from './row-warnings.ts'
import type { RunStages } from './stages.ts'

export interface RunData {
  readonly tokenizer: Tokenizer
  readonly train: EncodedSplit
  /** Undefined where nothing is held out. */
  readonly holdout: EncodedSplit | undefined
  /** Aborts as soon as a row of either split cannot be tokenised: training may be hours away from it. */
  readonly failed: AbortSignal
  /** Settles once everything that is odd about the rows was warned of. */
  readonly checked: Promise<void>
  close(): Promise<void>
}

/** The dataset with its holdout cut off and its limit applied. */
export function splitDataset({ recipe }: ResolvedRecipe, dataset: Dataset): Dataset {
  const { holdout, limit } = recipe.dataset as { readonly holdout?: number; readonly limit?: number }
  return heldOut(dataset, { holdout: holdout ?? 0, limit, seed: recipe.seed })
}

/** Whether rows are held out: cut off, or brought by the dataset. */
export function hasHoldout({ recipe }: ResolvedRecipe, { dataset }: Pick<RunStages, 'dataset'>): boolean {
  return dataset.ownHoldout === true || Number(recipe.dataset.holdout ?? 0) > 0
}

/** Starts tokenising both splits; training may begin as soon as the first window is there. */
export async function openData(
  resolved: ResolvedRecipe,
  stages: Pick<RunStages, 'template' | 'dataset'>,
  dataset: Dataset,
  model: Model,
  warn: StageContext['warn'],
): Promise<RunData> {
  const { recipe } = resolved
  const encode = (split: Split): Promise<EncodedSplit> =>
    encodeSplit({
      dataset,
      split,
      template: stages.template,
      tokenizer: model.folder,
      vocabSize: model.vocabSize,
      maxLength: recipe.train.max_length,
      overLength: recipe.train.over_length,
      shuffle: split === 'train' && recipe.train.shuffle && recipe.train.order === 'stream',
      seed: recipe.seed,
      cacheDir: cacheFolder('tokens'),
    })
  const tokenizer = await openTokenizer(model.folder)
  const train = await encode('train')
  const holdout = hasHoldout(resolved, stages) ? await encode('holdout') : undefined
  const failure = new AbortController()
  const checked = checkSplits({ train, holdout }, tokenizer, model, warn)
  checked.catch((error) => failure.abort(error))
  return {
    tokenizer,
    train,
    holdout,
    failed: failure.signal,
    checked,
    close: async () => {
      await Promise.all([train.close(), holdout?.close()])
    },
  }
}

/** The documents of every window of a split. */
export async function allDocuments(split: EncodedSplit | undefined): Promise<readonly Encoded[]> {
  const documents: Encoded[] = []
  for (let window = 0; window < (split?.windows ?? 0); window++)
    documents.push(...(await split!.window(window)))
  return documents
}
