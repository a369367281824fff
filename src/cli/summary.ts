/** @file What a run came to, for a reader of the terminal. */
import { relative } from 'node:path'
import type { EvalReport, FigureReport, ModelReport, Scores } from '../eval/report.ts'
import type { Report } from '../run/report.ts'
import { bytes, count, difference, duration, figure, interval, pValue } from './format.ts'

type Paint = (text: string) => string

/** Several lines: speed and memory, each evaluation before and after with its interval, where everything lies. */
export function summarise(report: Report, bold: Paint = (text) => text): string {
  const { name, seconds, train } = report
  const lines = [
    `${bold(name)}: ${count(train.steps)} steps in ${duration(seconds)}, loss ${train.loss_first.toFixed(4)} -> ${train.loss_last.toFixed(4)}`,
    `${count(train.tokens)} tokens at ${count(train.tokens_per_second)} tokens/s, peak memory ${bytes(train.peak_rss_bytes)}`,
    ...bestLine(train),
    ...Object.entries(report.eval).flatMap(([title, evaluation]) => evaluationLines(title, evaluation, bold)),
    `run folder: ${relative(process.cwd(), report.folder) || '.'}`,
  ]
  return `${lines.join('\n')}\n`
}

/** Which weights were kept, where something looked for the best. */
function bestLine({ best, stopped_early, steps }: Report['train']): string[] {
  if (stopped_early === undefined) return []
  const end = stopped_early ? `training ended early, at step ${count(steps)}` : 'trained to the end'
  if (best === undefined) return [`${end}; no measurement was a number, so that the last weights are kept`]
  return [`${end}; kept the weights of step ${count(best.step)}, ${best.metric} ${best.value.toFixed(4)}`]
}

/** The evaluation before and after; below it, indented, the parts of a group, other metrics and the clean part. */
export function evaluationLines(title: string, evaluation: EvalReport, bold: Paint): string[] {
  const { metric, parts = {}, metrics = {}, clean } = evaluation
  return [
    figureLine(bold(title), metric, evaluation),
    ...besides(metric, [evaluation.base, evaluation.tuned]),
    ...Object.entries(parts).map(([name, part]) => `  ${figureLine(name, metric, part)}`),
    ...Object.entries(metrics).map(([name, other]) => `  ${figureLine('also', name, other)}`),
    ...(clean ? [`  ${figureLine(`without ${clean.left_out} in the training rows`, metric, clean)}`] : []),
  ]
}

/** One model's figures, with nothing to compare them with. */
export function modelLines(title: string, report: ModelReport, bold: Paint): string[] {
  const { metric, scores, metrics = {}, parts = {}, clean } = report
  const line = (name: string, of: string, found: Scores): string =>
    `${name}: ${of} ${shown(of, found)}, n ${found.n}`
  return [
    line(bold(title), metric, scores),
    ...besides(metric, [scores]),
    ...Object.entries(parts).map(([name, part]) => `  ${line(name, metric, part)}`),
    ...Object.entries(metrics).map(([name, other]) => `  ${line('also', name, other)}`),
    ...(clean ? [`  ${line(`without ${clean.left_out} in the training rows`, metric, clean)}`] : []),
  ]
}

const OWN = new Set(['n', 'stderr', 'ci95'])

/** Counts and figures beside the headline, such as questions without an answer; what is 0 of all models goes unsaid. */
function besides(metric: string, models: readonly Scores[]): string[] {
  const names = [...new Set(models.flatMap((scores) => Object.keys(scores)))]
  const told = names.flatMap((name) => {
    const values = models.map((scores) => scores[name])
    const quiet = !name.startsWith('unanswered') && values.every((value) => value === 0)
    if (name === metric || OWN.has(name) || quiet) return []
    const each = [...new Set(values.map((value) => sideFigure(name, value)))]
    return [`${name} ${each.join(' -> ')}`]
  })
  return told.length === 0 ? [] : [`  ${told.join(', ')}`]
}

function sideFigure(name: string, value: Scores[string] | undefined): string {
  if (typeof value !== 'number') return value === undefined ? 'none' : String(value)
  return Number.isInteger(value) && name !== 'chance' ? count(value) : figure(name, value)
}

const shown = (metric: string, scores: Scores): string =>
  `${figure(metric, Number(scores[metric]))} ${endsOf(metric, scores)}`

const endsOf = (metric: string, { ci95 }: Scores): string => interval(metric, ci95 as [number, number])

function figureLine(
  title: string,
  metric: string,
  { base, tuned, difference: change }: FigureReport,
): string {
  const corrected = change.p_holm === undefined ? '' : ' (Holm)'
  const said = [
    `${difference(metric, Number(change[metric]))} ${endsOf(metric, change)}`,
    `${pValue(Number(change.p_holm ?? change.p))}${corrected}`,
    `n ${tuned.n}`,
    ...(Number.isFinite(change.mde) ? [`could show ${difference(metric, Number(change.mde)).slice(1)}`] : []),
  ]
  const verdict = change.verdict === undefined ? '' : `: ${change.verdict}`
  return `${title}: ${metric} ${shown(metric, base)} -> ${shown(metric, tuned)}, ${said.join(', ')}${verdict}`
}
