/** @file Whether the rows of a data set have the columns that a template reads. */
import type { Dataset, Template } from '../plugin/contract.ts'
import { InputError, OptionError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'

/**
 * Looks at the first row only. Throws an OptionError with an empty path (it concerns the template as a whole)
 * that names the missing column, what the rows have, and the likely meant one; an InputError for an empty data set.
 */
export async function checkColumns(dataset: Dataset, template: Template): Promise<void> {
  for await (const row of dataset.read('train')) {
    const missing = template.columns.find((column) => !Object.hasOwn(row, column))
    if (missing === undefined) return
    const found = Object.keys(row)
    const meant = nearest(missing, found)
    const hint = meant === undefined ? '' : `; did you mean "${meant}"`
    throw new OptionError(
      '',
      `reads column "${missing}", which the rows lack${hint}; they have: ${found.join(', ') || 'none'}`,
    )
  }
  throw new InputError('the data set has no rows')
}
