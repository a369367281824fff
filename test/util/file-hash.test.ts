import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hashFile, hashFileOnce } from '../../src/util/file-hash.ts'
import { tempFolder } from '../helpers/temp.ts'

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
/** An age at which a file is taken to have settled. */
const OLD = new Date(Date.now() - 60_000)

function settled(file: string, text: string): void {
  writeFileSync(file, text)
  utimesSync(file, OLD, OLD)
}

test('a hash is that of the whole file, whatever its size', async () => {
  const file = join(tempFolder(), 'file')
  for (const size of [0, 1, 1 << 20, (1 << 20) + 1, 3_000_000]) {
    const bytes = Buffer.alloc(size, 'abcdefg')
    writeFileSync(file, bytes)
    expect(await hashFile(file)).toEqual({ size, sha256: sha256(bytes) })
  }
  await expect(hashFile(join(file, 'none'))).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('a file that has not changed is not read a second time', async () => {
  const [folder, cache] = [tempFolder(), tempFolder()]
  const file = join(folder, 'weights')
  settled(file, 'first')
  const { sha256: hash } = await hashFileOnce(file, cache)
  expect(hash).toBe(sha256('first'))
  // What the cache holds is what comes back: the proof that the file was not read.
  const [name] = readdirSync(cache)
  const entry = JSON.parse(readFileSync(join(cache, name!), 'utf8'))
  writeFileSync(join(cache, name!), JSON.stringify({ ...entry, sha256: 'planted' }))
  expect((await hashFileOnce(file, cache)).sha256).toBe('planted')
})

test('another size, time or inode is noticed, and so is a damaged entry', async () => {
  const [folder, cache] = [tempFolder(), tempFolder()]
  const file = join(folder, 'rows.jsonl')
  settled(file, 'first')
  await hashFileOnce(file, cache)
  settled(file, 'longer than that')
  expect((await hashFileOnce(file, cache)).sha256).toBe(sha256('longer than that'))
  writeFileSync(file, 'exactly as long.')
  utimesSync(file, new Date(OLD.getTime() + 5), new Date(OLD.getTime() + 5))
  expect((await hashFileOnce(file, cache)).sha256).toBe(sha256('exactly as long.'))
  // Same size and time, another file in its place.
  const { atime, mtime } = statSync(file)
  const other = join(folder, 'other')
  writeFileSync(other, 'another content.')
  utimesSync(other, atime, mtime)
  renameSync(other, file)
  expect((await hashFileOnce(file, cache)).sha256).toBe(sha256('another content.'))
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), 'torn {')
  expect((await hashFileOnce(file, cache)).sha256).toBe(sha256('another content.'))
})

test('the hash of a file that was written only just now is not kept', async () => {
  const [folder, cache] = [tempFolder(), tempFolder()]
  const file = join(folder, 'fresh')
  writeFileSync(file, 'one')
  expect((await hashFileOnce(file, cache)).sha256).toBe(sha256('one'))
  expect(readdirSync(cache)).toEqual([])
})
