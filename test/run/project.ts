/** @file A small project in a temporary folder of its own. */
import { join } from 'node:path'
import { writeSmallProject } from '../helpers/small-project.ts'
import { tempFolder } from '../helpers/temp.ts'

/** Folder with recipe.yaml, rows.jsonl, questions.jsonl and model/. The cache of tokens goes there too. */
export async function smallProject(parent?: string): Promise<string> {
  const folder = tempFolder(parent)
  process.env.MEDTUNE_CACHE = join(folder, 'cache')
  await writeSmallProject(folder)
  return folder
}
