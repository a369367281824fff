/** @file Parquet, a row group at a time. */
import type { AsyncBuffer } from 'hyparquet'
import { definePlugin, InputError, type Row } from 'medtune/plugin'
import { fileDataset, fileOptions } from './file-dataset.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'parquet',
  summary: 'A local Parquet file.',
  options: {
    type: 'object',
    properties: { ...fileOptions },
    required: ['path'],
    additionalProperties: false,
  },
  create: (options, context) => fileDataset(options, context, readParquet),
})

/** Rows of the file; one row group is in memory at a time. Throws an InputError where the file is damaged. */
export async function* readParquet(file: string): AsyncGenerator<Row> {
  try {
    yield* rowGroups(file)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new InputError(`${file}: is not a readable Parquet file (${message}); copy or download it again`)
  }
}

async function* rowGroups(file: string): AsyncGenerator<Row> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  const buffer: AsyncBuffer = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(buffer)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const rows = await parquetReadObjects({ file: buffer, metadata, compressors, rowStart, rowEnd })
    if (rows.length !== rowEnd - rowStart)
      throw new Error(`a row group has ${rows.length} of ${rowEnd - rowStart} rows`)
    yield* rows
    rowStart = rowEnd
  }
}
