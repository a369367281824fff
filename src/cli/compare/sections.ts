/** @file A comparison as tables of text, for the terminal and for Markdown alike. */
import type { Comparison, DiffRow } from '../../track/compare/compare.ts'
import { type EvalCell, type EvalDifference, type EvalTable, gapOf } from '../../track/compare/evaluations.ts'
import type { SampleTable } from '../../track/compare/samples.ts'
import { shorten, visibleLine } from '../../util/visible.ts'
import { namedFigure, plainText } from '../figures.ts'
import { count, difference, figure, interval, pValue } from '../format.ts'
import type { Column } from '../table.ts'

export interface Section {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly string[])[]
  /** What a reader must know to read it right. */
  readonly notes: readonly string[]
}

/** Longest text of a sample in a table. */
const LONGEST = 160

/** A, B, ..., Z, AA, ...: a run's name is too long to head a column. */
export function letter(index: number): string {
  const rest = Math.floor(index / 26)
  return (rest > 0 ? letter(rest - 1) : '') + String.fromCharCode(65 + (index % 26))
}

export function sections(comparison: Comparison): readonly Section[] {
  const { recipe, data, versions, machine, evaluations, samples } = comparison
  return [
    runsSection(comparison),
    differs('Settings that differ', recipe, comparison),
    differs('Data that differ', data, comparison),
    differs('Versions and code that differ', versions, comparison),
    differs('Machines that differ', machine, comparison),
    figuresSection(comparison),
    ...evaluations.map(evalSection),
    ...samples.map((table) => sampleSection(table, comparison.runs.length)),
  ].filter(({ rows }) => rows.length > 0)
}

function runsSection({ runs }: Comparison): Section {
  return {
    title: `${runs.length} runs; ${letter(0)} is what the others are compared with`,
    columns: ['', 'run', 'status', 'step', ''].map((title) => ({ title, right: title === 'step' })),
    rows: runs.map(({ id, status, reason, step, problems }, i) => [
      letter(i),
      id,
      status,
      String(step),
      [reason ?? '', ...problems]
        .filter((text) => text !== '')
        .map((text) => shorten(text, LONGEST))
        .join('; '),
    ]),
    notes: [],
  }
}

const perRun = (title: string, { runs }: Comparison): Column[] => [
  { title },
  ...runs.map((_, i) => ({ title: letter(i), right: true })),
]

function differs(title: string, rows: readonly DiffRow[], comparison: Comparison): Section {
  const body = rows.map(({ key, values }) => [
    key,
    ...values.map((value) => (value === null ? '-' : shorten(plainText(value), 60))),
  ])
  return { title, columns: perRun('', comparison), rows: body, notes: [] }
}

function figuresSection(comparison: Comparison): Section {
  const rows = comparison.figures.map(({ key, values }) => [
    key,
    ...values.map((value) => (value === null ? '-' : namedFigure(key, value))),
  ])
  return { title: 'Training', columns: perRun('', comparison), rows, notes: [] }
}

function evalSection(table: EvalTable): Section {
  const { name, metric, better, base, tuned, difference: differences, remarks } = table
  const unpaired = differences.every((one) => one === null) && remarks.flat().length === 0
  return {
    title: `${name}: ${metric}, ${better} is better`,
    columns: [
      { title: '' },
      ...['base', 'tuned', 'n', 'against A', 'could show', 'p', 'p (Holm)', 'win/tie/loss'].map((title) => ({
        title,
        right: true,
      })),
      { title: '' },
    ],
    rows: tuned.map((cell, i) => [
      letter(i),
      withInterval(metric, base[i] ?? null),
      withInterval(metric, cell),
      cell?.n === undefined ? '-' : count(cell.n),
      ...against(metric, differences[i] ?? null, gapOf(table, i)),
    ]),
    notes: [
      ...remarks.flatMap((list, i) => list.map((remark) => `${letter(i)}: ${remark}`)),
      ...(unpaired ? ['only figures were recorded, so chance is not told'] : []),
    ],
  }
}

function against(metric: string, found: EvalDifference | null, gap: number | undefined): string[] {
  if (!found) return [gap === undefined ? '' : difference(metric, gap), '', '', '', '', '']
  const { value, ci95, mde, p, p_holm, wins, ties, losses } = found
  return [
    `${difference(metric, value)} ${interval(metric, ci95)}`,
    Number.isFinite(mde) ? difference(metric, mde).slice(1) : '-',
    pValue(p).replace('p = ', '').replace('p ', ''),
    pValue(p_holm).replace('p = ', '').replace('p ', ''),
    `${wins}/${ties}/${losses}`,
    found.verdict,
  ]
}

function withInterval(metric: string, cell: EvalCell | null): string {
  if (!cell) return '-'
  return cell.ci95
    ? `${figure(metric, cell.value)} ${interval(metric, cell.ci95)}`
    : figure(metric, cell.value)
}

function sampleSection({ evaluation, differing, total, samples }: SampleTable, runs: number): Section {
  const text = (value: string): string => shorten(visibleLine(value), LONGEST)
  return {
    title: `${evaluation}: ${differing} of ${total} items are answered differently`,
    columns: [{ title: 'item' }, { title: '' }, { title: 'text' }],
    rows: samples.flatMap(({ id, prompt, reference, answers }) => [
      [id, 'asked', text(prompt)],
      ...(reference === '' ? [] : [['', 'reference', text(reference)]]),
      ...Array.from({ length: runs }, (_, i) => {
        const answer = answers[i]
        const mark = answer?.outcome && answer.outcome !== 'tie' ? ` (${answer.outcome})` : ''
        return ['', letter(i) + mark, answer ? text(answer.text) : '-']
      }),
    ]),
    notes: [],
  }
}
