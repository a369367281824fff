/**
 * @file The built-in plugins. One line each: the module without its extension, and how it is imported.
 * A plugin module must be light to import: its heavy libraries load inside `create` or later.
 */
import type { Plugin } from 'medtune/plugin'

export interface BuiltIn {
  /** Path of the module below this folder, without extension, such as `dataset/jsonl`. */
  readonly path: string
  load(): Promise<{ readonly default: Plugin }>
}

export const BUILT_INS: readonly BuiltIn[] = [
  // dataset
  // template
  // model
  // adapter
  // optimizer
  // schedule
  // eval
  // tracker
  // export
  // compute
]
