/** @file Repeating a run: what is not as it was before it begins, and whether the same came out. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { loadRecorded } from '../recipe/recorded.ts'
import { toNumber } from '../track/json.ts'
import type { MemoryChoice } from '../track/provenance.ts'
import { changedInputs, differencesOf, readRunRecord } from './verify.ts'

export interface Repeat {
  /** The run that is repeated. */
  readonly folder: string
  readonly resolved: ResolvedRecipe
  /** What is not as it was, a sentence each. */
  readonly notes: readonly string[]
  /** How the steps were cut, where the recipe is the same. */
  readonly memory?: MemoryChoice
}

export interface Comparison {
  /** Steps that both runs took. */
  readonly steps: number
  /** Whether both took the same steps with the same losses and gradient norms, bit for bit. */
  readonly identical: boolean
  /** The first step that differs, or that only one of them took. */
  readonly first?: number
}

/** @throws InputError where the folder is no run's; RecipeError where its recipe, with the overrides, does not fit this version */
export async function openRepeat(folder: string, overrides: readonly string[]): Promise<Repeat> {
  const record = await readRunRecord(folder)
  const resolved = await loadRecorded(folder, overrides)
  const files = await changedInputs(record)
  const differences = await differencesOf(record)
  const recipe = resolved.hash === record.hash ? [] : ['the recipe is not the one of that run']
  return {
    folder: resolve(folder),
    resolved,
    ...(recipe.length === 0 && record.memory ? { memory: record.memory } : {}),
    notes: [
      ...recipe,
      ...files.map(
        ({ path, status }) => `${path} is ${status === 'missing' ? 'no longer there' : 'changed'}`,
      ),
      ...differences.map(({ what, recorded, found }) => `${what}: ${recorded} then, ${found} now`),
    ],
  }
}

/** Compares two runs step by step. */
export async function compareSteps(one: string, other: string): Promise<Comparison> {
  const [a, b] = [await stepsOf(one), await stepsOf(other)]
  const steps = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y)
  const first = steps.find((step) => a.get(step) !== b.get(step))
  const both = steps.filter((step) => a.has(step) && b.has(step)).length
  return { steps: both, identical: first === undefined, ...(first === undefined ? {} : { first }) }
}

/** Loss and gradient norm of each step as text that is equal only where the bits are; a step taken twice counts as it was last. */
async function stepsOf(folder: string): Promise<ReadonlyMap<number, string>> {
  const steps = new Map<number, string>()
  for (const line of (await readFile(join(folder, 'events.jsonl'), 'utf8')).split('\n')) {
    const event = parse(line)
    if (event?.type !== 'step' || typeof event.step !== 'number') continue
    steps.set(event.step, `${toNumber(event.loss)} ${toNumber(event.grad_norm)}`)
  }
  return steps
}

/** A line that a crash cut short is no event. */
function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
