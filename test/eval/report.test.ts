import { expect, test } from 'vitest'
import { compareAll, modelReport } from '../../src/eval/report.ts'
import type { EvalItem, EvalOutcome } from '../../src/plugin/contract.ts'

/** Right on the first `right` of `n` questions. */
const answers = (
  n: number,
  right: number,
  extra: (i: number) => Partial<EvalItem> = () => ({}),
): EvalItem[] =>
  Array.from({ length: n }, (_, i) => ({ id: String(i), score: i < right ? 1 : 0, weight: 1, ...extra(i) }))
const outcome = (items: readonly EvalItem[]): EvalOutcome => ({ metric: 'accuracy', better: 'higher', items })
const one = (items: readonly EvalItem[]) => new Map([['exam', outcome(items)]])

test('a verdict needs p-value and interval, and Holm once there are several evaluations', () => {
  const alone = compareAll(one(answers(40, 20)), one(answers(40, 26)), 1).exam!
  expect(alone.difference).toMatchObject({
    accuracy: 0.15,
    p: expect.closeTo(2 / 64, 12),
    verdict: 'better',
    test: 'mcnemar-exact',
  })
  expect(alone.difference.p_holm).toBeUndefined()
  const both = (right: number) =>
    new Map([
      ['exam', outcome(answers(40, right))],
      ['other', outcome(answers(40, 10))],
    ])
  const { exam, other } = compareAll(both(20), both(26), 1)
  expect(exam!.difference).toMatchObject({
    p: expect.closeTo(2 / 64, 12),
    p_holm: expect.closeTo(4 / 64, 12),
    verdict: 'no difference shown',
  })
  expect(other!.difference).toMatchObject({ p: 1, p_holm: 1, verdict: 'no difference shown' })
})

test('a group is reported as a whole and part by part, further metrics beside the headline', () => {
  const parted = (right: number) =>
    answers(60, right, (i) => ({ part: i < 30 ? 'first' : 'second', also: { acc_norm: i % 2 } }))
  const { exam } = compareAll(one(parted(10)), one(parted(30)), 1)
  expect(exam!.base).toMatchObject({ accuracy: 1 / 6, n: 60 })
  expect(Object.keys(exam!.parts!)).toEqual(['first', 'second'])
  expect(exam!.parts!.first!.difference).toMatchObject({ n: 30, verdict: 'better' })
  expect(exam!.parts!.first!.difference.p_holm).toBe(2 * Number(exam!.parts!.first!.difference.p))
  expect(exam!.parts!.second!.difference).toMatchObject({ accuracy: 0, verdict: 'no difference shown' })
  expect(exam!.metrics!.acc_norm!.base).toMatchObject({ acc_norm: 0.5, n: 60 })
  expect(exam!.metrics!.acc_norm!.difference.verdict).toBeUndefined()
})

test('the clean part leaves out what the training rows contain', () => {
  const dirty = new Map([['exam', new Set(['20', '21', '22', '23', '24', '25'])]])
  const { exam } = compareAll(one(answers(40, 20)), one(answers(40, 26)), 1, dirty)
  expect(exam!.difference.verdict).toBe('better')
  expect(exam!.clean).toMatchObject({
    left_out: 6,
    tuned: { n: 34, accuracy: 20 / 34 },
    difference: { accuracy: 0, verdict: 'no difference shown' },
  })
  expect(compareAll(one(answers(4, 2)), one(answers(4, 2)), 1).exam!.clean).toBeUndefined()
})

test('the clean part is held to the same correction as the whole', () => {
  const two = (right: number) =>
    new Map([
      ['exam', outcome(answers(40, right))],
      ['other', outcome(answers(40, 10))],
    ])
  // Six gains of six, uncorrected 2 / 64.
  const { exam } = compareAll(two(20), two(26), 1, new Map([['exam', new Set(['0', '1'])]]))
  expect(exam!.clean!.difference).toMatchObject({
    n: 38,
    p: expect.closeTo(2 / 64, 12),
    p_holm: expect.closeTo(4 / 64, 12),
    verdict: 'no difference shown',
  })
})

test('one model by itself has the parts and further metrics too', () => {
  const items = answers(60, 10, (i) => ({ part: i < 30 ? 'first' : 'second', also: { strict: i % 2 } }))
  expect(modelReport({ ...outcome(items), extra: { chance: 0.25 } })).toMatchObject({
    scores: { accuracy: 1 / 6, n: 60, chance: 0.25 },
    metrics: { strict: { strict: 0.5, n: 60 } },
    parts: { first: { accuracy: 1 / 3, n: 30 }, second: { accuracy: 0, n: 30 } },
  })
})

test('clusters are counted in every figure', () => {
  const clustered = answers(20, 10, (i) => ({ cluster: String(i % 4) }))
  const { exam } = compareAll(one(clustered), one(clustered), 1)
  expect(exam!.base).toMatchObject({ n: 20, clusters: 4 })
  expect(exam!.difference).toMatchObject({ clusters: 4, test: 'paired-bootstrap', p: 1 })
})
