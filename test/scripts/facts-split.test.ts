import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { findLeaks } from '../../scripts/facts/leaks.ts'
import type { Row } from '../../scripts/facts/questions.ts'
import { makeSplit, refuseLeaks, splitFacts, writeSplit } from '../../scripts/facts/split.ts'
import { type Fact, readTable } from '../../scripts/facts/table.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { tempFolder } from '../helpers/temp.ts'

const root = path.resolve(import.meta.dirname, '../..')
const FILES = ['train.jsonl', 'held-out.jsonl', 'swapped.jsonl']
const table = readTable()
const key = ({ condition, attribute }: Fact): string => `${condition.condition}/${attribute}`

describe.each([1, 2, 3])('the split of seed %i', (seed) => {
  const { tuned, heldOut } = splitFacts(table, seed)
  const split = makeSplit(table, seed)
  const held = new Set(heldOut.map(key))

  it('tunes on 60 % of the facts and holds 40 % out, at least 200', () => {
    expect(held.size).toBeGreaterThanOrEqual(200)
    expect(held.size / (table.length * 6)).toBeCloseTo(0.4, 2)
    expect(new Set([...tuned.map(key), ...held]).size).toBe(table.length * 6)
    expect(tuned.length + heldOut.length).toBe(table.length * 6)
  })

  it("keeps a condition's drug and mechanism on one side", () => {
    for (const { condition } of table) {
      expect(held.has(`${condition}/drug`)).toBe(held.has(`${condition}/mechanism`))
    }
  })

  it('tells nothing of a held-out fact to the tuning rows', () => {
    expect(findLeaks(split.train, heldOut)).toEqual([])
  })

  it('asks every tuned fact as often with reasoning as without', () => {
    const reasoned = split.train.filter((row) => row.Complex_CoT !== '')
    const forms = (rows: readonly Row[]): string[] => rows.map((row) => row.Question).sort()
    expect(reasoned.length).toBe(2 * tuned.length)
    expect(forms(split.train.filter((row) => row.Complex_CoT === ''))).toEqual(forms(reasoned))
    for (const row of reasoned) expect(row.Complex_CoT).toContain(row.Response)
  })

  it('gives four options, of which the scored one alone is true', () => {
    expect(split.heldOut.map(({ id }) => id)).toEqual(heldOut.map(key))
    for (const { question, options, answer, condition, attribute } of split.heldOut) {
      const row = table.find((entry) => entry.condition === condition)!
      expect(new Set(options).size).toBe(4)
      expect(options.map((option) => option === row[attribute])).toEqual(options.map((_, i) => i === answer))
      expect(question).toContain(condition)
      for (const option of options) expect(table.some((entry) => entry[attribute] === option)).toBe(true)
    }
  })

  it('puts the answer in each place about as often', () => {
    for (const place of [0, 1, 2, 3]) {
      const share = split.heldOut.filter(({ answer }) => answer === place).length / split.heldOut.length
      expect(Math.abs(share - 0.25)).toBeLessThan(0.08)
    }
  })

  it('swaps only the condition, for one of which no option is true', () => {
    expect(split.swapped.length).toBe(split.heldOut.length)
    split.swapped.forEach((item, i) => {
      const original = split.heldOut[i]!
      const { id, options, answer, attribute } = original
      expect(item).toMatchObject({ id, options, answer, attribute })
      expect(item.question).toBe(original.question.replace(original.condition, item.condition))
      const named = table.find((entry) => entry.condition === item.condition)!
      expect(options).not.toContain(named[attribute])
    })
  })
})

describe('leaks', () => {
  const row = table.find(({ condition }) => condition === 'asthma')!
  const drug: Fact = { condition: row, attribute: 'drug' }
  const leaky = (change: Partial<Row>): Row => ({
    Question: 'What is the typical sign of asthma?',
    Complex_CoT: 'The typical sign of asthma is wheezing.',
    Response: 'wheezing',
    ...change,
  })

  it.each([
    ['in the question', leaky({ Question: 'Why does salbutamol help in asthma?' }), 'names the drug'],
    ['in the reasoning', leaky({ Complex_CoT: 'Asthma needs Salbutamol.' }), 'names the drug'],
    ['in the answer', leaky({ Response: 'salbutamol' }), 'names the drug'],
    [
      'through the mechanism',
      leaky({ Complex_CoT: 'In asthma, one relaxes airway muscle.' }),
      'names the mechanism',
    ],
    [
      'as a question with another answer',
      leaky({
        Question: 'What is the first-line drug for asthma?',
        Complex_CoT: '',
        Response: 'aspirin',
      }),
      'asks for the drug',
    ],
  ])('are found %s', (_, planted, why) => {
    const found = findLeaks([leaky({}), planted], [drug])
    expect(found).toMatchObject([{ row: 1, fact: drug }])
    expect(found[0]!.why).toContain(why)
    expect(() => refuseLeaks([planted], [drug])).toThrow('leaks in the tuning rows: 1; the first: row 0')
  })

  it('are not the same value of another condition', () => {
    const other = leaky({
      Question: 'With what drug is angina treated?',
      Complex_CoT: '',
      Response: 'salbutamol',
    })
    expect(findLeaks([leaky({}), other], [drug])).toEqual([])
  })

  it('are found where a drug and its mechanism are parted', () => {
    const { train } = makeSplit(table, 1)
    const { tuned } = splitFacts(table, 1)
    const mechanism = tuned.find(({ attribute }) => attribute === 'mechanism')!
    expect(findLeaks(train, [mechanism]).some(({ why }) => why.startsWith('names the drug'))).toBe(true)
  })
})

describe('the files', () => {
  it('that ship are those of seed 1', async () => {
    const folder = tempFolder()
    await writeSplit(makeSplit(table, 1), folder)
    for (const name of FILES) {
      const shipped = readFileSync(path.join(root, 'recipes/quickstart', name), 'utf8')
      expect(shipped === readFileSync(path.join(folder, name), 'utf8'), name).toBe(true)
    }
  })

  it('of another seed come with a recipe that differs from the quickstart in its data alone', async () => {
    const folder = path.join(tempFolder(), 'split-2')
    const script = path.join(root, 'scripts/quickstart-split.ts')
    const args = ['--import', 'tsx', '--conditions=medtune-source', script, '--seed', '2', '--out', folder]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toContain('252 held-out questions, seed 2')

    const { recipe, baseDir } = await loadRecipe(path.join(folder, 'recipe.yaml'))
    const base = (await loadRecipe('quickstart')).recipe
    expect({ ...recipe, name: base.name, dataset: base.dataset, eval: base.eval }).toEqual(base)
    expect(path.resolve(baseDir('dataset.path'), String(recipe.dataset.path))).toBe(
      path.join(folder, 'train.jsonl'),
    )
    recipe.eval.forEach((use, i) => {
      const at = path.resolve(baseDir(`eval.${i}.path`), String(use.path))
      expect(at).toBe(path.join(folder, path.basename(String(base.eval[i]!.path))))
      expect({ ...use, path: base.eval[i]!.path }).toEqual(base.eval[i])
    })
    expect(readFileSync(path.join(folder, 'held-out.jsonl'), 'utf8')).not.toBe(
      readFileSync(path.join(root, 'recipes/quickstart/held-out.jsonl'), 'utf8'),
    )
  })
})
