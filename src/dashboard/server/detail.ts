/** @file What a run's own page shows beside its row. */
import { readInside } from '../../track/read/files.ts'
import type { RunDetail } from '../shared/wire.ts'
import type { Library } from './library.ts'

export async function detailOf(library: Library, id: string): Promise<RunDetail> {
  const folder = library.folder(id)
  const [recipe, error, columns] = await Promise.all([
    readInside(folder, 'recipe.yaml'),
    readInside(folder, 'logs', 'error.txt'),
    library.store.open(id),
  ])
  return {
    id,
    recipe: recipe.ok ? recipe.value.slice(0, 200_000) : '',
    marks: columns?.header.marks ?? [],
    // Its lines name folders of the machine; the first one says what happened.
    error: error.ok ? error.value.split('\n', 1)[0]!.slice(0, 2000) : '',
  }
}
