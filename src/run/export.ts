/** @file Writes the trained adapter and every export of the recipe into the run's folder. */
import { mkdir, rm } from 'node:fs/promises'
import type { AdapterPlan, Model } from '../plugin/contract.ts'
import type { Engine } from './engine.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

/** What was trained, written before anything that could still fail or be interrupted. */
export function writeAdapter(adapter: AdapterPlan, engine: Engine, { folder }: RunLog): Promise<void> {
  return adapter.write(folder.file('adapter'), (name) => engine.executor.read(name))
}

/** Paths, relative to the run's folder, of the exports written. */
export async function writeExports(
  { exporters }: RunStages,
  model: Model,
  adapter: AdapterPlan,
  { executor }: Engine,
  { folder }: RunLog,
): Promise<string[]> {
  const read = (name: string): Promise<Float32Array> => executor.read(name)
  const paths: string[] = []
  for (const { name, exporter } of exporters) {
    // What an interrupted run had begun of it goes.
    await rm(folder.file('exports', name), { recursive: true, force: true })
    await mkdir(folder.file('exports', name))
    await exporter.write({ model, adapter, read }, folder.file('exports', name))
    paths.push(`exports/${name}`)
  }
  return paths
}
