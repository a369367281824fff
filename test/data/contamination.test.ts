import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ContaminationIndex, textsOf } from '../../src/data/contamination.ts'
import { gaussian } from '../helpers/make-model.ts'

const SHARED = resolve(import.meta.dirname, '../../../shared/data')

const WORDS =
  'fever cough pain drug dose liver renal chronic acute patient child woman man history rash joint swelling treatment diagnosis blood pressure test most likely which following cause enzyme vitamin deficiency'.split(
    ' ',
  )
const normal = gaussian(3)
const sentence = (length: number): string =>
  Array.from({ length }, () => WORDS[Math.floor(Math.abs(normal() * 1e6)) % WORDS.length]).join(' ')
const items = Array.from({ length: 300 }, (_, i) => ({
  evaluation: 'exam',
  id: String(i),
  text: `${sentence(24)}?`,
}))
const index = new ContaminationIndex(items, 1)
const ids = (row: unknown) => index.match(textsOf(row)).map(({ item, by }) => [item.id, by])

test('ten rows that contain an item are found, ten of ten, however they were changed', () => {
  const text = (i: number): string => items[i]!.text
  const words = (i: number): string[] => text(i).split(' ')
  const planted: readonly [string, unknown][] = [
    ['exact', { q: text(10) }],
    ['exact', { q: `  ${text(11).toUpperCase()} ` }],
    ['exact', { q: text(12).replaceAll(' ', ',\n') }],
    ['exact', { messages: [{ role: 'user', content: text(13) }] }],
    ['13-gram', { q: `Consider this. ${text(14)} Think step by step.` }],
    ['13-gram', { q: `${sentence(60)} ${words(15).slice(5, 18).join(' ')} ${sentence(60)}` }],
    ['13-gram', { q: words(16).slice(0, 20).join(' ') }],
    ['exact', { deep: { list: ['x', [`"${text(17)}"`, 'y']] } }],
    ['50-characters', { q: `${sentence(8)} ${words(18).join('')} ${sentence(8)}` }],
    [
      '50-characters',
      {
        q: words(19)
          .map((word) => `${word.slice(0, 2)} ${word.slice(2)}`)
          .join(' '),
      },
    ],
  ]
  planted.forEach(([by, row], i) => {
    expect(ids(row), `row ${i}`).toContainEqual([String(10 + i), by])
  })
})

test('rows of the same words in another order are not', () => {
  const found = Array.from({ length: 1000 }, () => ids({ q: sentence(40) })).flat()
  expect(found).toEqual([])
})

test('a manner of speaking that many items share is no sign; nor is a short question inside a long text', () => {
  const phrase = 'which of the following is the most appropriate next step in the management of this patient'
  const alike = Array.from({ length: 12 }, (_, i) => ({
    evaluation: 'exam',
    id: String(i),
    text: `${sentence(12)} ${phrase}`,
  }))
  const common = new ContaminationIndex(alike, 1)
  expect(common.match([`${sentence(9)} ${phrase}`])).toEqual([])
  expect(common.match([alike[3]!.text]).map(({ item }) => item.id)).toEqual(['3'])
  const short = new ContaminationIndex([{ evaluation: 'e', id: 'a', text: 'Drug of choice?' }], 1)
  expect(short.match(['The drug of choice is named.'])).toEqual([])
  expect(short.match(['drug of CHOICE'])).toMatchObject([{ by: 'exact' }])
  expect(new ContaminationIndex([{ evaluation: 'e', id: 'a', text: '?!' }], 1).match(['...'])).toEqual([])
})

const rows = resolve(SHARED, 'sft/medical_o1_demo198.jsonl')
const skipped = existsSync(rows) ? false : 'no folder shared beside the project'
if (skipped) console.log(`contamination of real rows: skipped, ${skipped}`)

test.skipIf(skipped)(
  'real rows: the three that are questions of MedMCQA are found, and one on the same case',
  () => {
    const lines = (file: string) =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    const questions = lines(resolve(SHARED, 'benchmarks/medmcqa/dev.json')).map(({ id, question }) => ({
      evaluation: 'medmcqa',
      id,
      text: question,
    }))
    const real = new ContaminationIndex(questions, 42)
    // The questions were written anew; a column beside them still has the original. Row 82 tells the case of another one.
    const found = lines(rows).flatMap((row, number) => real.match(textsOf(row)).map(({ by }) => [number, by]))
    expect(found).toEqual([
      [82, '13-gram'],
      [151, 'exact'],
      [154, 'exact'],
      [193, 'exact'],
    ])
  },
)
