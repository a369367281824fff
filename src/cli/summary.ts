/** @file What a run came to, for a reader of the terminal. */
import { relative } from 'node:path'
import type { EvalReport, FigureReport, Scores } from '../eval/report.ts'
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
    ...Object.entries(parts).map(([name, part]) => `  ${figureLine(name, metric, part)}`),
    ...Object.entries(metrics).map(([name, other]) => `  ${figureLine('also', name, other)}`),
    ...(clean ? [`  ${figureLine(`without ${clean.left_out} in the training rows`, metric, clean)}`] : []),
  ]
}

function figureLine(
  title: string,
  metric: string,
  { base, tuned, difference: change }: FigureReport,
): string {
  const ends = (scores: Scores): string => interval(metric, scores.ci95 as [number, number])
  const shown = (scores: Scores): string => `${figure(metric, Number(scores[metric]))} ${ends(scores)}`
  const corrected = change.p_holm === undefined ? '' : ' (Holm)'
  const said = [
    `${difference(metric, Number(change[metric]))} ${ends(change)}`,
    `${pValue(Number(change.p_holm ?? change.p))}${corrected}`,
    `n ${tuned.n}`,
    ...(Number.isFinite(change.mde) ? [`could show ${difference(metric, Number(change.mde)).slice(1)}`] : []),
  ]
  const verdict = change.verdict === undefined ? '' : `: ${change.verdict}`
  return `${title}: ${metric} ${shown(base)} -> ${shown(tuned)}, ${said.join(', ')}${verdict}`
}
