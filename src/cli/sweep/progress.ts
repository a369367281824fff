/** @file What happens in a sweep, a line a happening, on stderr. */
import type { SweepEvent, Trial } from '../../track/sweep-journal.ts'
import { colorsFor } from '../colors.ts'
import { duration } from '../format.ts'
import { paramsText } from './summary.ts'

export class Progress {
  private readonly quiet: boolean
  private readonly colors = colorsFor(process.stderr)

  constructor(quiet: boolean) {
    this.quiet = quiet
  }

  say(text: string): void {
    if (!this.quiet) process.stderr.write(`${text}\n`)
  }

  onEvent(event: SweepEvent, trials: readonly Trial[]): void {
    if (!('trial' in event)) return
    const trial = trials.find(({ id }) => id === event.trial)
    const line = trial && this.lineOf(event, trial)
    if (line) this.say(`${this.colors.cyan(event.trial)} ${line}`)
  }

  private lineOf(event: SweepEvent, { params, attempt }: Trial): string | undefined {
    switch (event.type) {
      case 'start':
        return attempt === 1 ? `starts  ${paramsText(params)}` : `starts again, attempt ${attempt}`
      case 'prune':
        return `is to end early: ${event.reason}`
      case 'tell':
        return `${event.status} in ${duration(event.seconds)}${event.value === undefined ? '' : `: ${figure(event.value)}`}`
      case 'fail': {
        const next = event.final ? '' : '; it will be tried again'
        return `${this.colors.yellow(event.cause)}: ${event.reason}${next}`
      }
      default:
        return undefined
    }
  }
}

const figure = (value: number): string => String(Number(value.toPrecision(6)))
