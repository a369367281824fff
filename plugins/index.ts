/**
 * @file The built-in plugins. One line each: the module without its extension, and how it is imported.
 * A plugin module must be light to import: its heavy libraries load inside `create` or later.
 */
import type { Plugin } from 'medtune/plugin'

export interface BuiltIn {
  /** Path of the module below this folder, without extension, such as `dataset/jsonl`. */
  readonly path: string
  load(): Promise<{ readonly default: Plugin | readonly Plugin[] }>
}

export const BUILT_INS: readonly BuiltIn[] = [
  // dataset
  { path: 'dataset/csv', load: () => import('./dataset/csv.ts') },
  { path: 'dataset/hub', load: () => import('./dataset/hub.ts') },
  { path: 'dataset/json', load: () => import('./dataset/json.ts') },
  { path: 'dataset/jsonl', load: () => import('./dataset/jsonl.ts') },
  { path: 'dataset/mix', load: () => import('./dataset/mix.ts') },
  { path: 'dataset/parquet', load: () => import('./dataset/parquet.ts') },
  // template
  { path: 'template/chat', load: () => import('./template/chat.ts') },
  { path: 'template/gemma', load: () => import('./template/gemma.ts') },
  { path: 'template/plain', load: () => import('./template/plain.ts') },
  // model
  { path: 'model/gemma3', load: () => import('./model/gemma3.ts') },
  { path: 'model/llama', load: () => import('./model/llama.ts') },
  { path: 'model/qwen3', load: () => import('./model/qwen3.ts') },
  // adapter
  { path: 'adapter/full', load: () => import('./adapter/full.ts') },
  { path: 'adapter/lora', load: () => import('./adapter/lora.ts') },
  // optimizer
  { path: 'optimizer/adafactor', load: () => import('./optimizer/adafactor.ts') },
  { path: 'optimizer/adamw', load: () => import('./optimizer/adamw.ts') },
  { path: 'optimizer/lion', load: () => import('./optimizer/lion.ts') },
  // schedule
  { path: 'schedule/constant', load: () => import('./schedule/constant.ts') },
  { path: 'schedule/constant_with_warmup', load: () => import('./schedule/constant_with_warmup.ts') },
  { path: 'schedule/cosine', load: () => import('./schedule/cosine.ts') },
  { path: 'schedule/cosine_with_min_lr', load: () => import('./schedule/cosine_with_min_lr.ts') },
  { path: 'schedule/cosine_with_restarts', load: () => import('./schedule/cosine_with_restarts.ts') },
  { path: 'schedule/inverse_sqrt', load: () => import('./schedule/inverse_sqrt.ts') },
  { path: 'schedule/linear', load: () => import('./schedule/linear.ts') },
  { path: 'schedule/polynomial', load: () => import('./schedule/polynomial.ts') },
  { path: 'schedule/warmup_stable_decay', load: () => import('./schedule/warmup_stable_decay.ts') },
  // eval
  { path: 'eval/judge', load: () => import('./eval/judge.ts') },
  { path: 'eval/loss', load: () => import('./eval/loss.ts') },
  { path: 'eval/medical', load: () => import('./eval/medical.ts') },
  { path: 'eval/multiple-choice', load: () => import('./eval/multiple-choice.ts') },
  { path: 'eval/task', load: () => import('./eval/task.ts') },
  // tracker
  { path: 'tracker/mlflow', load: () => import('./tracker/mlflow.ts') },
  { path: 'tracker/tensorboard', load: () => import('./tracker/tensorboard.ts') },
  // export
  // compute
  { path: 'compute/onnxruntime', load: () => import('./compute/onnxruntime.ts') },
  // sampler
  { path: 'sampler/grid', load: () => import('./sampler/grid.ts') },
  { path: 'sampler/random', load: () => import('./sampler/random.ts') },
  { path: 'sampler/sobol', load: () => import('./sampler/sobol.ts') },
  { path: 'sampler/tpe', load: () => import('./sampler/tpe.ts') },
  // pruner
  { path: 'pruner/asha', load: () => import('./pruner/asha.ts') },
  { path: 'pruner/median', load: () => import('./pruner/median.ts') },
  { path: 'pruner/none', load: () => import('./pruner/none.ts') },
  // executor
  { path: 'executor/bullmq', load: () => import('./executor/bullmq.ts') },
  { path: 'executor/local', load: () => import('./executor/local.ts') },
  { path: 'executor/slurm', load: () => import('./executor/slurm.ts') },
]
