/** @file Which key an unknown key was meant to be. */
import { nearest } from '../util/nearest.ts'

/** What other trainers call our options. */
const ELSEWHERE: { readonly [name: string]: string } = {
  learning_rate: 'optimizer.lr',
  weight_decay: 'optimizer.weight_decay',
  warmup_ratio: 'schedule.warmup',
  warmup_steps: 'schedule.warmup',
  lr_scheduler_type: 'schedule.use',
  r: 'adapter.rank',
  lora_r: 'adapter.rank',
  lora_alpha: 'adapter.alpha',
  lora_dropout: 'adapter.dropout',
  target_modules: 'adapter.targets',
  exclude_modules: 'adapter.exclude',
  use_rslora: 'adapter.rslora',
  use_dora: 'adapter.dora',
  init_lora_weights: 'adapter.init',
  num_train_epochs: 'train.epochs',
  num_epochs: 'train.epochs',
  max_steps: 'train.steps',
  per_device_train_batch_size: 'train.batch_size',
  gradient_accumulation_steps: 'train.accumulate',
  max_grad_norm: 'train.clip',
  save_steps: 'checkpoint.every',
  save_total_limit: 'checkpoint.keep',
  max_seq_length: 'train.max_length',
  max_seq_len: 'train.max_length',
  sequence_len: 'train.max_length',
  packing: 'train.pack',
  sample_packing: 'train.pack',
  base_model: 'model.repo',
  datasets: 'dataset',
  early_stopping_patience: 'early_stopping.patience',
  early_stopping_threshold: 'early_stopping.min_delta',
  metric_for_best_model: 'early_stopping.metric',
  load_best_model_at_end: 'early_stopping',
  eval_steps: 'train.eval_every',
  '<<': 'extends',
}

/**
 * A sibling that is spelt nearly so, the same key where it belongs (`rank` at the top is `adapter.rank`),
 * or our name for another trainer's.
 * @param path where the unknown key stands
 * @param siblings the keys that its mapping may have
 * @param known every key of this recipe's stages -> the paths it stands at
 */
export function hintFor(
  path: readonly string[],
  siblings: readonly string[],
  known: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const key = path.at(-1)!
  const belongs = known.get(key)?.join('" or "')
  if (belongs) return belongs
  const foreign = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key]! : undefined
  if (foreign) {
    const holder = path.slice(0, -1).join('.')
    return foreign.startsWith(`${holder}.`) && holder ? foreign.slice(holder.length + 1) : foreign
  }
  const sibling = nearest(key, siblings)
  if (sibling) return sibling
  const near = nearest(key, known.keys())
  return near && known.get(near)?.join('" or "')
}
