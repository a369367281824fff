/** @file The folder of an interrupted run, any of its files damaged, then resumed from, verified and listed. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { readRows } from '../../../src/cli/runs/list.ts'
import { readSafetensors } from '../../../src/nn/safetensors.ts'
import { loadRecipe } from '../../../src/recipe/recipe.ts'
import { findCheckpoint } from '../../../src/run/find-checkpoint.ts'
import { openResume } from '../../../src/run/resume.ts'
import { readRunRecord, verifyRun } from '../../../src/run/verify.ts'
import { run } from '../../../src/run.ts'
import { readKept } from '../../../src/track/kept-events.ts'
import { loadTensors } from '../../../src/train/tensors.ts'
import { Stopped } from '../../../src/util/stopped.ts'
import { writeSmallProject } from '../../helpers/small-project.ts'
import { mutate, mutations } from '../mutate.ts'
import type { Target } from '../target.ts'

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\n',
  '"step":',
  '"step": -1',
  '"step": 1e300',
  '"bytes": 99999999999',
  '"events": 0',
  '"status": "done"',
  '"status": "running"',
  '"version": 2',
  '"files": {"../../canary": {"bytes": 1, "sha256": "x"}}',
  '"hooks": []',
  '"pid": 1',
  '"host": "elsewhere"',
  '"train": null',
  '"recipe": {}',
  '"recipe": {"model": 1}',
  '{"type":"step"}\n',
  '{"type":"end"}\n',
]

interface Case {
  readonly file: string
  /** Whether the manifest then gets the hashes of the damaged files: such a checkpoint gets further. */
  readonly sealed: boolean
  /** 0: by the commands' own way in, which takes longer; one in twenty. */
  readonly whole: number
  readonly list: Parameters<typeof mutate>[1]
}

type Holder = Parameters<typeof loadTensors>[1]

const target: Target<Case> = {
  async open(folder) {
    const root = join(folder, 'runs')
    const path = await interruptedRun(folder, root)
    const files = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    const originals = new Map(files.map((name) => [name, readFileSync(join(path, name))]))
    const weights = [...files].filter((name) => name.endsWith('parameters.safetensors')).sort()
    const shapes = readSafetensors(join(path, weights.at(-1)!)).tensors
    const holder = holderOf([...shapes].map(([name, { shape }]) => ({ name, shape })))
    return {
      cases: fc.record({
        file: fc.constantFrom(...files),
        sealed: fc.boolean(),
        whole: fc.nat(19),
        list: mutations(TOKENS),
      }),
      async attempt({ file, sealed, whole, list }) {
        writeFileSync(join(path, file), mutate(originals.get(file)!, list))
        if (sealed) seal(path, file)
        try {
          return whole === 0 ? await throughTheDoor(root, path, holder) : await checkpointOf(path, holder)
        } finally {
          for (const [name, bytes] of originals) {
            const now = readFileSync(join(path, name))
            if (!now.equals(bytes)) writeFileSync(join(path, name), bytes)
          }
          for (const name of readdirSync(path)) if (/^\.?owner\./.test(name)) rmSync(join(path, name))
        }
      },
    }
  },
}
export default target

/** Listed, verified and resumed. */
async function throughTheDoor(root: string, path: string, holder: Holder): Promise<boolean> {
  await readRows(root)
  await verifyRun(path)
  const { lock, checkpoint, notes } = await openResume(path, [])
  lock.release()
  if (checkpoint) await loadTensors(checkpoint.path, holder)
  return notes.length > 0
}

/** What a resume reads of a checkpoint and of the events before it. */
async function checkpointOf(path: string, holder: Holder): Promise<boolean> {
  await readRunRecord(path)
  const { found, damaged } = await findCheckpoint(path)
  const kept = readKept(join(path, 'events.jsonl'), found?.state.events)
  if (found) await loadTensors(found.path, holder)
  return damaged.length > 0 || kept.missing > 0
}

/** A run of a tiny model that was stopped behind its second checkpoint. */
async function interruptedRun(project: string, root: string): Promise<string> {
  process.env.MEDTUNE_CACHE = join(project, 'cache')
  await writeSmallProject(project)
  const overrides = ['train.steps=50', 'checkpoint.every=2', 'checkpoint.keep=2', 'eval=[loss]']
  const stop = new AbortController()
  let path = ''
  await run(await loadRecipe(join(project, 'recipe.yaml'), overrides), {
    runsDir: root,
    signal: stop.signal,
    onFolder: (folder) => {
      path = folder
    },
    onEvent: (event) => {
      if (event.type === 'checkpoint' && event.step === 4) stop.abort(new Stopped('enough'))
    },
  }).catch((error: unknown) => {
    if (!(error instanceof Stopped)) throw error
  })
  return path
}

/** An executor that holds tensors of these shapes, each with one buffer of state. */
function holderOf(trained: readonly { readonly name: string; readonly shape: readonly number[] }[]): Holder {
  const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)
  return {
    trained: async () =>
      trained.map(({ name, shape }) => ({ name, shape, state: [size(shape), size(shape)] })),
    read: async () => new Float32Array(),
    readState: async () => new Float32Array(),
    write: async () => {},
    writeState: async () => {},
  }
}

/** Writes the hash of a damaged file into its checkpoint's manifest. */
function seal(path: string, file: string): void {
  const [, folder, name] = /^(checkpoints\/[^/]+)\/(.+)$/.exec(file) ?? []
  if (folder === undefined || name === undefined || name === 'manifest.json') return
  const bytes = readFileSync(join(path, file))
  const manifest = JSON.parse(readFileSync(join(path, folder, 'manifest.json'), 'utf8'))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  manifest.files[name] = { bytes: bytes.length, sha256 }
  writeFileSync(join(path, folder, 'manifest.json'), JSON.stringify(manifest))
}
