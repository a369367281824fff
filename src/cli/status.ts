/**
 * @file The state of a run on stderr: one block, redrawn in place, on a terminal; now and then a plain line
 * elsewhere. It only listens; nothing it shows is kept.
 */
import type { RunEvent } from '../plugin/contract.ts'
import { HOLDOUT } from '../recipe/names.ts'
import type { Progress } from '../run/options.ts'
import { memory } from '../track/hardware.ts'
import { colorsFor } from './colors.ts'
import { bytes, count, duration } from './format.ts'

const REDRAW_MS = 100
const PLAIN_MS = 5000
/** Steps that the speed shown is the median of. */
const RECENT = 20

type StepEvent = Extract<RunEvent, { type: 'step' }>

export interface Status {
  onEvent(event: RunEvent): void
  onProgress(progress: Progress): void
  /** A line of its own, above the block. */
  say(text: string): void
  /** Leaves the terminal with the last state shown. */
  close(): void
}

/** The part of a stream that a status needs. */
export interface StatusStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export function openStatus(name: string, stream: StatusStream = process.stderr): Status {
  const animate = stream.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI
  return animate ? new BlockStatus(name, stream) : new PlainStatus(stream)
}

/** Hears everything, shows nothing. */
export const silent: Status = { onEvent() {}, onProgress() {}, say() {}, close() {} }

/** What both forms know of a run. */
class Figures {
  readonly steps: StepEvent[] = []
  progress: Progress = { phase: 'prepare', done: 0, total: 0 }
  holdout: number | undefined
  total = 0

  take(event: RunEvent): void {
    if (event.type === 'step') this.steps.push(event)
    if (event.type === 'eval' && event.name === HOLDOUT) this.holdout = event.scores.loss
  }

  /** Seconds and tokens a second of a recent step. */
  speed(): { readonly seconds: number; readonly tokens: number } {
    const recent = this.steps.slice(1).slice(-RECENT)
    const seconds = median(recent.map((step) => step.seconds))
    return { seconds, tokens: median(recent.map((step) => step.tokens / step.seconds)) }
  }

  line(): string {
    const last = this.steps.at(-1)
    if (!last) return ''
    const { seconds, tokens } = this.speed()
    const left = seconds * Math.max(0, this.total - last.step)
    return [
      `loss ${last.loss.toFixed(4)}`,
      ...(this.holdout === undefined ? [] : [`holdout ${this.holdout.toFixed(4)}`]),
      `lr ${last.lr.toExponential(2)}`,
      `grad ${last.grad_norm.toPrecision(3)}`,
      ...(Number.isFinite(tokens) ? [`${count(tokens)} tokens/s`] : []),
      bytes(memory().now),
      ...(Number.isFinite(left) ? [`${duration(left)} left`] : []),
    ].join('  ')
  }
}

/** How long a part of a run still takes, at its speed so far. Training has a better measure: the last steps. */
class Pace {
  private phase = ''
  private since = 0
  private before = 0

  note({ phase, done }: Progress): void {
    if (phase === this.phase && done >= this.before) return
    this.phase = phase
    this.since = performance.now()
    this.before = done
  }

  /** `  1:05 left`; nothing while that is not known. */
  left({ phase, done, total }: Progress): string {
    const seconds = (performance.now() - this.since) / 1000
    const rest = (seconds / (done - this.before)) * (total - done)
    return phase === 'train' || done === total || !(rest >= 1 && rest < Infinity)
      ? ''
      : `  ${duration(rest)} left`
  }
}

class BlockStatus implements Status {
  private readonly name: string
  private readonly stream: StatusStream
  private readonly figures = new Figures()
  private readonly colors = colorsFor(process.stderr)
  private readonly started = performance.now()
  private readonly timer: NodeJS.Timeout
  private readonly pace = new Pace()
  private drawn = 0

  constructor(name: string, stream: StatusStream) {
    this.name = name
    this.stream = stream
    this.timer = setInterval(() => this.draw(), REDRAW_MS)
    this.timer.unref()
  }

  onEvent(event: RunEvent): void {
    this.figures.take(event)
    if (event.type === 'warning') this.say(`${this.colors.yellow('warning')}: ${event.message}`)
    if (event.type === 'eval' && event.name !== HOLDOUT) this.say(evalLine(event))
    if (event.type === 'sample') this.say(sampleLine(event))
  }

  onProgress(progress: Progress): void {
    this.figures.progress = progress
    this.pace.note(progress)
    if (progress.phase === 'train') this.figures.total = progress.total
  }

  say(text: string): void {
    this.clear()
    this.stream.write(`${text}\n`)
    this.draw()
  }

  close(): void {
    clearInterval(this.timer)
    this.draw()
  }

  private clear(): void {
    if (this.drawn > 0) this.stream.write(`\u001b[${this.drawn}A\u001b[0J`)
    this.drawn = 0
  }

  private draw(): void {
    const { phase, done, total } = this.figures.progress
    // A terminal that does not know its width says 0.
    const width = Math.max(20, (this.stream.columns || 80) - 1)
    const elapsed = duration((performance.now() - this.started) / 1000)
    const far = total > 1 ? ` ${amount(this.figures.progress)}` : ''
    const head = `${this.name}  ${phase}${far}  ${elapsed}${total > 1 ? this.pace.left(this.figures.progress) : ''}`
    const lines = [head, ...(total > 1 ? [bar(done / total, Math.min(width, 60))] : []), this.figures.line()]
    const shown = lines.filter((line) => line !== '').map((line) => line.slice(0, width))
    this.clear()
    const [first, ...rest] = shown
    this.stream.write(`${[this.colors.bold(first!), ...rest].join('\n')}\n`)
    this.drawn = shown.length
  }
}

class PlainStatus implements Status {
  private readonly stream: StatusStream
  private readonly figures = new Figures()
  private readonly pace = new Pace()
  private phase = ''
  private said = Number.NEGATIVE_INFINITY

  constructor(stream: StatusStream) {
    this.stream = stream
  }

  onEvent(event: RunEvent): void {
    this.figures.take(event)
    if (event.type === 'warning') this.say(`warning: ${event.message}`)
    if (event.type === 'eval') this.say(evalLine(event))
    if (event.type === 'sample') this.say(sampleLine(event))
  }

  onProgress(progress: Progress): void {
    const { phase, done, total, unit } = progress
    const now = performance.now()
    this.pace.note(progress)
    if (phase === 'train') this.figures.total = total
    if (phase !== this.phase) {
      this.phase = phase
      if (phase !== 'train') this.said = now
      if (phase !== 'train') this.say(unit === 'bytes' ? `${phase}: ${bytes(total)}` : phase)
    }
    if (phase !== 'train' && total <= 1) return
    const turning = phase === 'train' && (done === 1 || done === total)
    if (!turning && now - this.said < PLAIN_MS) return
    this.said = now
    this.say(
      phase === 'train'
        ? `step ${done}/${total}  ${this.figures.line()}`
        : `${phase}: ${amount(progress)}${this.pace.left(progress)}`,
    )
  }

  say(text: string): void {
    this.stream.write(`${text}\n`)
  }

  close(): void {}
}

function sampleLine({ step, prompt, text }: Extract<RunEvent, { type: 'sample' }>): string {
  const brief = (words: string, most: number): string => {
    const line = words.replace(/\s+/g, ' ').trim()
    return line.length > most ? `${line.slice(0, most - 3)}...` : line
  }
  return `step ${step}  ${brief(prompt, 40)} -> ${brief(text, 120)}`
}

function evalLine({ step, name, scores }: Extract<RunEvent, { type: 'eval' }>): string {
  const shown = Object.entries(scores).filter(([key]) => key !== 'n' && key !== 'stderr')
  return `step ${step}  ${name}: ${shown.map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`).join('  ')}`
}

function amount({ done, total, unit }: Progress): string {
  return unit === 'bytes' ? `${bytes(done)} of ${bytes(total)}` : `${done}/${total}`
}

function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return `${'━'.repeat(full)}${'╌'.repeat(width - full)}`
}

function median(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
