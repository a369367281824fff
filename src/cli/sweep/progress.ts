/** @file What happens in a sweep, a line a happening, on stderr. */
import type { Params, Space } from '../../plugin/contract.ts'
import type { SweepEvent, Trial } from '../../track/sweep-journal.ts'
import { colorsFor } from '../colors.ts'
import { duration } from '../format.ts'
import { paramsText } from './summary.ts'

export class Progress {
  private readonly quiet: boolean
  private readonly colors = colorsFor(process.stderr)
  /** Parameters of one value, which need not be told of every trial. */
  private readonly constant: ReadonlySet<string>

  constructor(quiet: boolean, space: Space) {
    this.quiet = quiet
    const single = space.filter(
      ({ distribution }) => distribution.kind === 'categorical' && distribution.values.length === 1,
    )
    this.constant = new Set(single.map(({ path }) => path))
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

  private values(params: Params): string {
    return paramsText(Object.fromEntries(Object.entries(params).filter(([path]) => !this.constant.has(path))))
  }

  private lineOf(event: SweepEvent, { params, attempt }: Trial): string | undefined {
    switch (event.type) {
      case 'start':
        return attempt === 1 ? `starts  ${this.values(params)}` : `starts again, attempt ${attempt}`
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
