import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import gemma3 from '../../../plugins/model/gemma3.ts'
import { OptionError, type StageContext } from '../../../src/plugin/contract.ts'
import { makeModel } from '../../helpers/make-model.ts'

const root = mkdtempSync(join(tmpdir(), 'medtune-model-'))
afterAll(() => rmSync(root, { recursive: true }))
const context: StageContext = {
  recipeDir: root,
  resolvePath: (path) => join(root, path),
  seed: 1,
  warn: () => {},
}

describe('model gemma3', () => {
  it('opens a folder, named relative to the recipe', async () => {
    const folder = await makeModel(join(root, 'whole'))
    writeFileSync(join(folder, 'tokenizer.json'), '{}')
    const model = await (await gemma3.create({ path: 'whole' }, context)).load()
    expect(model.folder).toBe(folder)
    expect(model.sites).toHaveLength(14)
  })

  it('says which file is missing before anything is loaded', async () => {
    const refused = (path: string): unknown => gemma3.create({ path }, context)
    expect(() => refused('nowhere')).toThrow(
      expect.objectContaining({ path: 'path', message: `${join(root, 'nowhere')}: no such folder` }),
    )
    const folder = await makeModel(join(root, 'partial'))
    expect(() => refused('partial')).toThrow(/has no tokenizer\.json; a model folder needs/)
    expect(() => refused('partial/config.json')).toThrow(/is a file; give the folder/)
    writeFileSync(join(folder, 'tokenizer.json'), '{}')
    rmSync(join(folder, 'model.safetensors'))
    expect(() => refused('partial')).toThrow(
      /has neither model\.safetensors nor model\.safetensors\.index\.json/,
    )
    rmSync(join(folder, 'config.json'))
    expect(() => refused('partial')).toThrow(/has no config\.json/)
  })

  it('wants path or repo; a path beside a repo is a copy of it and must be there', () => {
    expect(() => gemma3.create({}, context)).toThrow(OptionError)
    expect(() => gemma3.create({}, context)).toThrow(/needs path .* or repo/)
    expect(() => gemma3.create({ path: 'a', repo: 'b/c' }, context)).toThrow(
      expect.objectContaining({ path: 'path' }),
    )
    expect(() => gemma3.create({ path: 'a', revision: 'main' }, context)).toThrow(
      expect.objectContaining({ path: 'revision' }),
    )
  })
})
