/** @file `medtune schema`: the JSON Schema of recipes, for editors. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { registryFor } from '../recipe/resolve.ts'
import { editorSchema } from '../recipe/schema.ts'
import { UsageError } from './failure.ts'

export async function schema(target: string | undefined, options: { out?: string }): Promise<number> {
  const text = `${JSON.stringify(editorSchema(await registryFor(target)), null, 2)}\n`
  if (options.out === undefined) {
    process.stdout.write(text)
    return 0
  }
  try {
    mkdirSync(path.dirname(path.resolve(options.out)), { recursive: true })
    writeFileSync(options.out, text)
  } catch (error) {
    throw new UsageError(`${options.out} cannot be written: ${(error as Error).message}`)
  }
  return 0
}
