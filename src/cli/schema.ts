/** @file `medtune schema`: the JSON Schema of recipes and of sweeps, for editors. */
import { writeFileSync } from 'node:fs'
import { registryFor } from '../recipe/resolve.ts'
import { editorSchema } from '../recipe/schema.ts'
import { UsageError } from './failure.ts'
import { readyOutFile } from './out-file.ts'

export async function schema(
  target: string | undefined,
  options: { readonly out?: string; readonly sweep?: boolean },
): Promise<number> {
  const text = `${JSON.stringify(await schemaOf(target, options.sweep === true), null, 2)}\n`
  if (options.out === undefined) {
    process.stdout.write(text)
    return 0
  }
  readyOutFile(options.out)
  try {
    writeFileSync(options.out, text)
  } catch (error) {
    throw new UsageError(`${options.out} cannot be written: ${(error as Error).message}`)
  }
  return 0
}

async function schemaOf(target: string | undefined, sweep: boolean): Promise<unknown> {
  if (!sweep) return editorSchema(await registryFor(target))
  const { sweepEditorSchema } = await import('../sweep/schema.ts')
  const { sweepRegistryFor } = await import('../sweep/resolve.ts')
  return sweepEditorSchema(await sweepRegistryFor(target))
}
