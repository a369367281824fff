/** @file What a run came to, for a reader of the terminal. */
import { relative } from 'node:path'
import type { EvalReport, Scores } from '../eval/report.ts'
import type { Report } from '../run/report.ts'
import { bytes, count, difference, duration, figure, interval, pValue } from './format.ts'

type Paint = (text: string) => string

/** Several lines: speed and memory, each evaluation before and after with its interval, where everything lies. */
export function summarise(report: Report, bold: Paint = (text) => text): string {
  const { name, seconds, train } = report
  const lines = [
    `${bold(name)}: ${count(train.steps)} steps in ${duration(seconds)}, loss ${train.loss_first.toFixed(4)} -> ${train.loss_last.toFixed(4)}`,
    `${count(train.tokens)} tokens at ${count(train.tokens_per_second)} tokens/s, peak memory ${bytes(train.peak_rss_bytes)}`,
    ...Object.entries(report.eval).map(([title, evaluation]) => evaluationLine(title, evaluation, bold)),
    `run folder: ${relative(process.cwd(), report.folder) || '.'}`,
  ]
  return `${lines.join('\n')}\n`
}

function evaluationLine(title: string, evaluation: EvalReport, bold: Paint): string {
  const { metric, base, tuned } = evaluation
  const ends = (scores: Scores): string => interval(metric, scores.ci95 as [number, number])
  const shown = (scores: Scores): string => `${figure(metric, Number(scores[metric]))} ${ends(scores)}`
  const change = difference(metric, Number(evaluation.difference[metric]))
  const p = pValue(Number(evaluation.difference.p))
  return `${bold(title)}: ${metric} ${shown(base)} -> ${shown(tuned)}, ${change} ${ends(evaluation.difference)}, ${p}, n ${tuned.n}`
}
