import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { initModel } from '../../scripts/init-model.ts'
import { gemma3, readSafetensors, readTensor } from '../../src/nn/index.ts'

const shipped = path.resolve(import.meta.dirname, '../../models/tiny-gemma3')
const folder = mkdtempSync(path.join(tmpdir(), 'medtune-init-'))
afterAll(() => rmSync(folder, { recursive: true }))
const made = async (name: string, seed: number): Promise<string> => {
  await initModel(shipped, path.join(folder, name), seed)
  return path.join(folder, name)
}
const bytes = (of: string): Buffer => readFileSync(path.join(of, 'model.safetensors'))

it('makes a folder that loads as the embedded model of its configuration', async () => {
  const out = path.join(folder, 'model')
  expect(await initModel(shipped, out, 1)).toBe(1_691_136)
  const model = await gemma3(out)
  expect(model.parameters).toBe(1_691_136)
  expect(model.sites).toHaveLength(6 * 7)
  expect(model.vocabSize).toBe(2048)
})

it('draws embedding and projections with a deviation of 0.02, each on its own, and leaves norms at zero', async () => {
  const { tensors } = readSafetensors(path.join(await made('spread', 1), 'model.safetensors'))
  const heads = new Set<number>()
  for (const slice of tensors.values()) {
    const values = await readTensor(slice)
    const square = values.reduce((total, value) => total + value * value, 0) / values.length
    const mean = values.reduce((total, value) => total + value, 0) / values.length
    if (slice.shape.length === 1) {
      expect(square).toBe(0)
      continue
    }
    expect(Math.sqrt(square)).toBeCloseTo(0.02, 3)
    expect(mean).toBeCloseTo(0, 2)
    heads.add(values[0]!)
  }
  expect(heads.size).toBeGreaterThan(40)
})

it('depends on the seed alone', async () => {
  const first = bytes(await made('a', 7))
  expect(bytes(await made('b', 7)).equals(first)).toBe(true)
  expect(bytes(await made('c', 8)).equals(first)).toBe(false)
})
