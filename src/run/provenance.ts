/** @file Writes down what a run stands on and what it made, so that it can be verified and repeated. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MODEL_FILES } from '../data/index.ts'
import type { Model } from '../plugin/contract.ts'
import { isBuiltIn } from '../plugin/load.ts'
import { contentHash } from '../recipe/hash.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { lockfile, versions } from '../track/environment.ts'
import { hashInputs, hashOutputs, type Provenance, type UsedPlugin } from '../track/provenance.ts'
import { hashFileOnce } from '../util/file-hash.ts'
import type { RunData } from './data.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

/** What is known before anything is read. */
export async function softwareOf(
  resolved: ResolvedRecipe,
  { compute }: Pick<RunStages, 'compute'>,
): Promise<Provenance> {
  const lock = await lockfile()
  return {
    versions: versions(),
    ...(lock ? { lockfile: lock } : {}),
    ...(compute.threads === undefined ? {} : { threads: compute.threads }),
    plugins: pluginsOf(resolved),
  }
}

/**
 * Hashes every file that the run reads; call it once all rows were read. Files known from an earlier run are not read
 * again, others are read while the model is made ready. Never rejects: a file that cannot be read has no hash.
 */
export async function noteInputs(
  resolved: ResolvedRecipe,
  { used }: RunStages,
  model: Model,
  { train, holdout }: RunData,
  { folder }: RunLog,
): Promise<void> {
  const rows = { train: train.digest, ...(holdout ? { holdout: holdout.digest } : {}) }
  const files = [
    ...(await modelFiles(model)).map((file) => [file, 'model'] as const),
    ...used,
    ...pluginModules(pluginsOf(resolved)).map((file) => [file, 'plugins'] as const),
  ]
  const inputs = await hashInputs(new Map(files))
  // A record that cannot be written now is written with the next heartbeat, or stops the run where it ends.
  await folder.describe({ rows, inputs }).catch(() => undefined)
}

/** Hashes what the run wrote, once it is all there. */
export async function noteOutputs({ folder }: RunLog): Promise<void> {
  await folder.describe({ outputs: await hashOutputs(folder.path, ['adapter', 'exports']) })
}

async function modelFiles({ folder, weights }: Model): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => MODEL_FILES.test(name))
  return [...new Set([...names.map((name) => join(folder, name)), ...weights.map(({ file }) => file)])].sort()
}

/** Hash of a model's files by name: two models of the same hash score alike. Rejects where one cannot be read. */
export async function hashModel(model: Model): Promise<string> {
  const files = await modelFiles(model)
  const hashes = await Promise.all(files.map(async (file) => (await hashFileOnce(file)).sha256))
  return contentHash(files.map((file, i) => [basename(file), hashes[i]]))
}

/** Every plugin that the recipe names, and where a third party's came from. */
export function pluginsOf({ recipe, registry }: ResolvedRecipe): readonly UsedPlugin[] {
  const used = [
    ['dataset', recipe.dataset],
    ['template', recipe.template],
    ['model', recipe.model],
    ['adapter', recipe.adapter],
    ['optimizer', recipe.optimizer],
    ['schedule', recipe.schedule],
    ['compute', recipe.compute],
    ...recipe.eval.map((use) => ['eval', use] as const),
    ...recipe.trackers.map((use) => ['tracker', use] as const),
    ...recipe.exports.map((use) => ['export', use] as const),
  ] as const
  return used.map(([kind, { use }]) => {
    const origin = registry.origin(kind, use)
    return { kind, name: use, ...(isBuiltIn(origin) ? {} : origin) }
  })
}

/** Modules of third-party plugins; a package is known by its version, but a file beside the recipe only by its hash. */
function pluginModules(plugins: readonly UsedPlugin[]): readonly string[] {
  return plugins.flatMap(({ module }) => (module === undefined ? [] : [fileURLToPath(module)]))
}
