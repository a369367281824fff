/** @file What is looked at, and how: all of it stands in the address, so that a view can be sent to someone. */
import { signal } from '@preact/signals'
import { X_AXES, type XAxis } from '../../shared/wire.ts'

export const TABS = ['curves', 'parameters', 'sweep', 'compare', 'samples', 'system', 'run'] as const
export type Tab = (typeof TABS)[number]
export const SHOWS = ['differing', 'wins', 'losses', 'all'] as const

export interface View {
  readonly tab: Tab
  /** The query that rows must match. */
  readonly filter: string
  /** A field; with a leading `-` the largest first. */
  readonly sort: string
  readonly group: string
  readonly columns: readonly string[]
  readonly wide: boolean
  /** Keys of the runs that are drawn; null for the newest few. */
  readonly runs: readonly string[] | null
  readonly pinned: readonly string[]
  readonly metric: string
  readonly x: XAxis
  readonly smoothing: number
  readonly raw: boolean
  readonly logX: boolean
  readonly logY: boolean
  readonly from: number
  readonly to: number
  readonly axes: readonly string[]
  readonly brushes: Readonly<Record<string, readonly [number, number]>>
  readonly scatterX: string
  readonly scatterY: string
  readonly evaluation: string
  readonly show: (typeof SHOWS)[number]
  readonly search: string
  /** Key of the run that the others are compared with. */
  readonly base: string
  /** Key of the run whose page is open. */
  readonly run: string
  /** Key of the sweep that is looked at; empty for the newest. */
  readonly sweep: string
}

export const START: View = {
  tab: 'curves',
  filter: '',
  sort: '-started',
  group: '',
  columns: [],
  wide: false,
  runs: null,
  pinned: [],
  metric: '',
  x: 'step',
  smoothing: 0,
  raw: true,
  logX: false,
  logY: false,
  from: Number.NaN,
  to: Number.NaN,
  axes: [],
  brushes: {},
  scatterX: '',
  scatterY: '',
  evaluation: '',
  show: 'differing',
  search: '',
  base: '',
  run: '',
  sweep: '',
}

type Key = keyof View

const LISTS: readonly Key[] = ['columns', 'pinned', 'axes']
const NUMBERS: readonly Key[] = ['smoothing', 'from', 'to']
const SWITCHES: readonly Key[] = ['wide', 'raw', 'logX', 'logY']

export const view = signal<View>(readAddress(location.hash))

/** Changes part of the view, and the address with it. */
export function change(part: Partial<View>): void {
  view.value = { ...view.value, ...part }
  const address = writeAddress(view.value)
  // Typing must not fill the history.
  history.replaceState(null, '', address === '' ? '#' : `#${address}`)
}

window.addEventListener('hashchange', () => {
  view.value = readAddress(location.hash)
})

export function writeAddress(state: View): string {
  const params = new URLSearchParams()
  for (const key of Object.keys(START) as Key[]) {
    const value = state[key]
    if (key === 'brushes') {
      for (const [name, range] of Object.entries(state.brushes))
        params.append('brush', `${range.join('..')}:${name}`)
    } else if (key === 'runs') {
      if (state.runs) params.set('runs', state.runs.join(','))
    } else if (LISTS.includes(key)) {
      if ((value as readonly string[]).length > 0) params.set(key, (value as readonly string[]).join(','))
    } else if (!Object.is(value, START[key])) params.set(key, String(value))
  }
  return params.toString()
}

export function readAddress(hash: string): View {
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const state: Record<string, unknown> = { ...START }
  for (const key of Object.keys(START) as Key[]) {
    const text = params.get(key)
    if (text === null) continue
    if (key === 'runs' || LISTS.includes(key)) state[key] = text === '' ? [] : text.split(',')
    else if (NUMBERS.includes(key)) state[key] = Number(text)
    else if (SWITCHES.includes(key)) state[key] = text === 'true'
    else state[key] = text
  }
  state.brushes = Object.fromEntries(params.getAll('brush').flatMap(readBrush))
  return checked(state as unknown as View)
}

function readBrush(text: string): [string, readonly [number, number]][] {
  const match = /^(-?[\d.e+-]+?)\.\.(-?[\d.e+-]+):(.+)$/.exec(text)
  if (!match) return []
  const [low, high] = [Number(match[1]), Number(match[2])]
  return Number.isNaN(low) || Number.isNaN(high) ? [] : [[match[3]!, [low, high]]]
}

/** An address may have been written by hand, or by another version. */
function checked(state: View): View {
  const smoothing = state.smoothing >= 0 && state.smoothing < 1 ? state.smoothing : 0
  return {
    ...state,
    smoothing,
    tab: TABS.find((tab) => tab === state.tab) ?? START.tab,
    x: X_AXES.find((x) => x === state.x) ?? START.x,
    show: SHOWS.find((show) => show === state.show) ?? START.show,
  }
}
