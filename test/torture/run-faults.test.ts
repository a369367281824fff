/** @file A whole run of which any one file operation fails, once or for good; resumed with a sound disk it comes to the same bytes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { resume, run } from '../../src/run.ts'
import { withFs } from '../../src/util/fs-ops.ts'
import { bits } from '../../src/util/random.ts'
import { type FaultCode, FaultyFs } from '../helpers/faulty-fs.ts'
import { MEMORY_DISK } from '../helpers/temp.ts'
import { smallProject } from '../run/project.ts'

const RUNS = Number(process.env.FAULT_RUNS ?? 200)
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 2 ** 31)
const CODES: readonly FaultCode[] = ['EIO', 'ENOSPC', 'EMFILE', 'short']

let project: string
let count = 0

beforeAll(async () => {
  project = await smallProject(MEMORY_DISK)
})

interface Attempt {
  readonly folder: string | undefined
  readonly error: Error | undefined
}

async function attempt(fs: FaultyFs): Promise<Attempt> {
  const runsDir = join(project, `runs-${count++}`)
  mkdirSync(runsDir)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), ['eval=[loss]', 'checkpoint.every=2'])
  const error = await withFs(fs, () => run(resolved, { runsDir })).then(
    () => undefined,
    (failure: Error) => failure,
  )
  const [name] = readdirSync(runsDir)
  return { folder: name === undefined ? undefined : join(runsDir, name), error }
}

const adapterOf = (folder: string) => readFileSync(join(folder, 'adapter/adapter_model.safetensors'))
const statusOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).status

test(`${RUNS} runs with a fault`, async () => {
  console.log(`FAULT_SEED=${SEED}`)
  const sound = new FaultyFs()
  const whole = await attempt(sound)
  expect(whole.error).toBeUndefined()
  const expected = adapterOf(whole.folder!)
  const seen = { survived: 0, resumed: 0, 'nothing to resume': 0 }
  for (let i = 0; i < RUNS; i++) {
    const draw = (j: number, below: number): number => bits(SEED, i, j) % below
    const at = 1 + draw(0, sound.count)
    const fs = new FaultyFs({ at, code: CODES[draw(1, CODES.length)]!, forGood: draw(2, 2) === 1 })
    const { folder, error } = await attempt(fs)
    // The folder of run.json is synced again for the last words of a run; nothing else that failed is.
    expect(fs.retriedSyncs.filter((path) => /\.\w+$|checkpoints$/.test(path))).toEqual([])
    if (error) expect(error.message).toMatch(/EIO|ENOSPC|EMFILE/)
    if (folder === undefined || !existsSync(join(folder, 'resolved.json'))) seen['nothing to resume']++
    else if (statusOf(folder) === 'done') seen.survived++
    else {
      await resume(folder)
      seen.resumed++
    }
    if (folder !== undefined && existsSync(join(folder, 'resolved.json')))
      expect(adapterOf(folder).equals(expected), `fault at operation ${at} of run ${i}`).toBe(true)
    if (folder !== undefined) rmSync(folder, { recursive: true })
  }
  console.log(`${sound.count} operations in a run; ${JSON.stringify(seen)}`)
  expect(seen.resumed).toBeGreaterThan(RUNS / 5)
})
