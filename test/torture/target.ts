/** @file What is fuzzed: how its cases are made, and what is done with one. */
import type fc from 'fast-check'

export interface Target<T> {
  /** Prepares files in `folder`, the only place that a case may write to, and returns how to make and try one. */
  open(folder: string): Promise<{
    readonly cases: fc.Arbitrary<T>
    /** Uses the input as medtune would. Throws what medtune throws; true where damage was met and gone around. */
    readonly attempt: (input: T) => Promise<boolean>
  }>
}

/** Errors that tell a user what is wrong with an input; anything else is a fault of ours. */
const EXPECTED = new Set(['InputError', 'RecipeError', 'OptionError', 'PluginError', 'UsageError'])

export function isExpected(error: unknown): boolean {
  return error instanceof Error && EXPECTED.has(error.name) && error.message.length > 0
}
