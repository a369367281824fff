/** @file Going on with a run: whose it is, whether it may be gone on with, and where. */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { changesBetween, describeChange, type RecipeChange } from '../recipe/changes.ts'
import { HOLDOUT, TRAIN } from '../recipe/names.ts'
import { loadRecipe, type Recipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import { loadRecorded } from '../recipe/recorded.ts'
import { type KeptEvents, NOTHING_KEPT, readKept } from '../track/kept-events.ts'
import type { RunRecord } from '../track/run-folder.ts'
import { RunLock } from '../track/run-lock.ts'
import type { CheckpointEntry } from '../train/checkpoint.ts'
import { splitMetric } from '../train/metric-watch.ts'
import { InputError } from '../util/errors.ts'
import type { RunData } from './data.ts'
import { type FoundCheckpoint, findCheckpoint } from './find-checkpoint.ts'
import { changedInputs, differencesOf, readRunRecord } from './verify.ts'

export interface Resume {
  /** The run's folder, absolute. */
  readonly folder: string
  readonly lock: RunLock
  /** run.json as the last owner left it. */
  readonly record: RunRecord
  /** Undefined where training begins anew. */
  readonly checkpoint: FoundCheckpoint | undefined
  readonly older: readonly CheckpointEntry[]
  readonly kept: KeptEvents
  readonly overrides: readonly string[]
  /** What is worth knowing about it, a sentence each. */
  readonly notes: readonly string[]
}

export interface OpenedResume extends Resume {
  readonly resolved: ResolvedRecipe
}

/** Keys of a recipe that have no part in what training comes to. */
const SAFE = ['checkpoint', 'eval', 'exports', 'plugins', 'samples', 'trackers']

/** Those of this recipe: training that returns to checkpoints, or ends by an evaluation, depends on them. */
export function safeKeys({ train, early_stopping }: Recipe): readonly string[] {
  const [watched] = splitMetric(early_stopping?.metric ?? HOLDOUT)
  const returns = train.on_nonfinite === 'rollback'
  const byEvaluation = watched !== HOLDOUT && watched !== TRAIN
  return SAFE.filter((key) => !(key === 'checkpoint' && returns) && !(key === 'eval' && byEvaluation))
}

/**
 * Takes a run over and finds the point to go on from. Nothing is written but the lock, which the caller gives up.
 * @param say hears what takes long
 * @throws InputError where the run is finished, has a living owner, or stands on files that changed; RecipeError
 *   for overrides that do not fit
 */
export async function openResume(
  path: string,
  overrides: readonly string[],
  say: (message: string) => void = () => {},
): Promise<OpenedResume> {
  const folder = resolve(path)
  const near = relative(process.cwd(), folder) || '.'
  const shown = near.startsWith('..') ? folder : near
  refuseFinished(await readRunRecord(path), shown)
  const pulse = (): string => heartbeat(folder)
  const lock = await RunLock.take(folder, { pulse, onWait: say })
  try {
    // Once more: its owner may have finished it just before.
    const record = await readRunRecord(folder)
    refuseFinished(record, shown)
    const recorded = await loadRecorded(folder)
    const resolved = overrides.length === 0 ? recorded : await loadRecorded(folder, overrides)
    const changes = changesBetween(recorded.recipe, resolved.recipe)
    refuseUnsafe(changes, safeKeys(recorded.recipe), shown)
    await refuseChangedInputs(record)
    const { found, older, damaged } = await findCheckpoint(folder)
    const kept = keptOf(folder, found)
    const notes = [
      ...changes.map((change) => `changed for this resume: ${describeChange(change)}`),
      ...(await changedFile(recorded)),
      ...damaged.map(({ path: bad, problem }) => `${relative(folder, bad)} is not used: ${problem}`),
      ...(damaged.length > 0 && !found ? ['no checkpoint can be used: training begins anew'] : []),
      ...(kept.missing > 0 ? [`events.jsonl lacks ${kept.missing} bytes that the checkpoint knows of`] : []),
      ...(await otherSoftware(record)),
    ]
    return { folder, lock, record, resolved, checkpoint: found, older, kept, overrides, notes }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** @throws InputError where the rows are not those that the run was trained on */
export function checkRows({ train, holdout }: RunData, resume: Resume | undefined): void {
  const before = resume?.record.rows
  if (before === undefined) return
  const now: Readonly<Record<string, string | undefined>> = { train: train.digest, holdout: holdout?.digest }
  for (const [split, digest] of Object.entries(before)) {
    if (now[split] === digest) continue
    throw new InputError(
      `the ${split} rows are not those that this run began with: the data set, or what reads it, gives others now. Put the old data back, or start a new run`,
    )
  }
}

function refuseFinished({ status, ended }: RunRecord, shown: string): void {
  if (status !== 'done') return
  const when = ended === undefined ? '' : `, on ${ended}`
  throw new InputError(
    `${shown}: this run is finished${when}, there is nothing to resume; \`medtune run --from ${shown}\` repeats it, \`adapter.from=${join(shown, 'adapter')}\` trains its adapter further`,
  )
}

function heartbeat(folder: string): string {
  return String((JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord).heartbeat)
}

function refuseUnsafe(changes: readonly RecipeChange[], safe: readonly string[], shown: string): void {
  const unsafe = changes.filter(({ path }) => !safe.includes(path.split('.')[0]!))
  if (unsafe.length === 0) return
  const list = unsafe.map((change) => `  ${describeChange(change)}`).join('\n')
  throw new InputError(
    `${shown}: a resumed run comes to exactly what it would have come to uninterrupted, and these changes break that:\n${list}\n` +
      `Only ${safe.join(', ')} may change. For the rest start a new run: medtune run --from ${shown} ${unsafe[0]!.path}=...`,
  )
}

async function refuseChangedInputs(record: RunRecord): Promise<void> {
  const changed = await changedInputs(record)
  if (changed.length === 0) return
  const list = changed.map(
    ({ role, path, status }) => `  ${path} (${role}) is ${status === 'missing' ? 'gone' : 'changed'}`,
  )
  throw new InputError(
    `what this run stands on is not what it was:\n${list.join('\n')}\nPut the old files back, or start a new run`,
  )
}

function keptOf(folder: string, found: FoundCheckpoint | undefined): KeptEvents {
  const file = join(folder, 'events.jsonl')
  return existsSync(file) ? readKept(file, found?.state.events) : NOTHING_KEPT
}

/** The run goes on with its own copy of the recipe; one that was edited since should be told of. */
async function changedFile({ file, overrides, recipe, source }: ResolvedRecipe): Promise<readonly string[]> {
  try {
    if (readFileSync(file, 'utf8') === source) return []
    const today = await loadRecipe(file, overrides)
    const changes = changesBetween(recipe, today.recipe).map(describeChange)
    if (changes.length === 0) return []
    return [`${file} was changed since, which this run does not follow: ${changes.join(', ')}`]
  } catch {
    // Moved, or no recipe any more: the copy is enough.
    return []
  }
}

async function otherSoftware(record: RunRecord): Promise<readonly string[]> {
  return (await differencesOf(record)).map(
    ({ what, recorded, found }) =>
      `${what}: ${recorded} before, ${found} now; the same bits are not promised`,
  )
}
