/** @file The data set that a file is, with another file for its holdout where there is one. */
import { requireFile } from 'medtune/data'
import {
  type Dataset,
  OptionError,
  type OptionSchema,
  type Row,
  type Split,
  type StageContext,
} from 'medtune/plugin'
import { notEmpty } from './rows.ts'

/** Options that every data set of local files shares; spread them into its schema. */
export const fileOptions = {
  path: { type: 'string', minLength: 1, description: 'The file.' },
  validation: {
    type: 'string',
    minLength: 1,
    description:
      'A second file of the same kind, whose rows are held out: scored, never trained on. Instead of holdout.',
  },
} as const satisfies Record<string, OptionSchema>

/** @throws OptionError where one of the files cannot be read, or both are one */
export async function fileDataset(
  { path, validation }: { readonly path: string; readonly validation?: string },
  context: StageContext,
  read: (file: string) => AsyncIterable<Row>,
): Promise<Dataset> {
  const file = context.resolvePath(path)
  await requireFile('path', file)
  if (validation === undefined) return { read: () => notEmpty(file, read(file)) }
  const own = await validationFile(validation, [file], context)
  return {
    ownHoldout: true,
    read: (split: Split) => (split === 'train' ? notEmpty(file, read(file)) : notEmpty(own, read(own))),
  }
}

/** The file of the option `validation`. @throws OptionError where it cannot be read or is one of the `trained` */
export async function validationFile(
  validation: string,
  trained: readonly string[],
  context: StageContext,
): Promise<string> {
  const file = context.resolvePath(validation)
  await requireFile('validation', file)
  if (trained.includes(file)) {
    throw new OptionError('validation', `${file} is what is trained on; a loss on it would say nothing`)
  }
  return file
}
