/** @file The curves: one metric large, with its controls, and the others small below it. */
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { X_AXES } from '../../shared/wire.ts'
import { label } from '../parts/format.ts'
import { colorIndex, curves, metric, overview, selected } from '../state/runs.ts'
import { change, view } from '../state/view.ts'
import { Plot } from './plot.tsx'
import { useSeries } from './use-series.ts'
import '../parts/controls.css'
import './curves-view.css'

/** Curves that are shown only where they are asked for: counts, and what the system view shows. */
const BESIDE =
  /^system\.|^eval\..*\.(n|stderr|chance|ties|clusters|mde|tokens)$|^(label_tokens|tokens|seconds)$/
const LARGE = 360
const SMALL = 150
/** Drawn runs from which on curves are thinned out more. */
const MANY = 60

/** Whether the large chart still waits for its curves: the small ones let it go first. */
const isLargeWaiting = signal(false)

export function CurvesView() {
  const others = curves.value.filter((name) => name !== metric.value && !BESIDE.test(name))
  return (
    <div class="curves">
      <Controls />
      <LargeChart />
      <div class="small-charts">
        {others.map((name) => (
          <SmallChart key={name} metric={name} />
        ))}
      </div>
    </div>
  )
}

function Controls() {
  const { x, smoothing, raw, logX, logY, from } = view.value
  return (
    <div class="controls">
      <label>
        <span>Metric</span>
        <select
          aria-label="metric"
          value={metric.value}
          onChange={(event) => change({ metric: event.currentTarget.value })}
        >
          {curves.value.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>x</span>
        <select
          aria-label="x axis"
          value={x}
          onChange={(event) =>
            change({
              x: X_AXES.find((one) => one === event.currentTarget.value)!,
              from: Number.NaN,
              to: Number.NaN,
            })
          }
        >
          {X_AXES.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label class="slider">
        <span>Smoothing {smoothing === 0 ? 'off' : smoothing}</span>
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          onInput={(event) => change({ smoothing: Number(event.currentTarget.value) })}
        />
      </label>
      <Switch name="raw" on={raw} onChange={(on) => change({ raw: on })} />
      <Switch
        name="log x"
        on={logX}
        onChange={(on) => change({ logX: on, from: Number.NaN, to: Number.NaN })}
      />
      <Switch name="log y" on={logY} onChange={(on) => change({ logY: on })} />
      <button
        type="button"
        disabled={Number.isNaN(from)}
        onClick={() => change({ from: Number.NaN, to: Number.NaN })}
      >
        Reset zoom
      </button>
    </div>
  )
}

function Switch({
  name,
  on,
  onChange,
}: {
  readonly name: string
  readonly on: boolean
  readonly onChange: (on: boolean) => void
}) {
  return (
    <label class="switch">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />{' '}
      {name}
    </label>
  )
}

/** What is asked for of a metric, as the view has it. */
function useChart(name: string, most: number, active: boolean) {
  // Of very many curves nobody sees each point, and each costs.
  const buckets = selected.value.length > MANY ? Math.min(most, 200) : most
  const { x, smoothing, logX, from, to } = view.value
  return useSeries({ keys: selected.value, metric: name, x, smoothing, log: logX, from, to, buckets }, active)
}

function zoom(from: number, to: number): void {
  change({ from, to })
}

function LargeChart() {
  const { x, raw, logY } = view.value
  const { reply, error, metric: loaded, waiting } = useChart(metric.value, 500, true)
  useLayoutEffect(() => {
    isLargeWaiting.value = waiting
  }, [waiting])
  useEffect(() => {
    return () => {
      isLargeWaiting.value = false
    }
  }, [])
  const drawn = reply?.series.length ?? 0
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!reply) return
    const next = moved(event.key, reply.window.from, reply.window.to)
    if (!next) return
    event.preventDefault()
    zoom(...next)
  }
  return (
    <figure class="large">
      <figcaption>
        <h2>{label(metric.value)}</h2>
        <span>{drawn === 0 ? 'no run that is drawn has this metric' : `${drawn} runs`}</span>
        {overview.value?.exported && <span class="note">thinned out when it was exported</span>}
      </figcaption>
      <div
        class="plot-box"
        data-drawn={loaded === undefined ? undefined : `${loaded} ${drawn}`}
        role="application"
        aria-label={`${metric.value} of ${drawn} runs by ${x}; arrow keys move, plus and minus zoom, 0 shows all`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {reply ? (
          <Plot
            reply={reply}
            metric={loaded ?? metric.value}
            colorIndex={colorIndex.value}
            logY={logY}
            raw={raw}
            xLabel={x}
            height={LARGE}
            onZoom={zoom}
          />
        ) : (
          <div class="plot" style={{ height: `${LARGE}px` }} />
        )}
      </div>
      {error !== '' && <p role="alert">{error}</p>}
      <p class="legend">▲ checkpoint ❘ evaluation × not a number · drag to zoom, double click for all</p>
    </figure>
  )
}

/** The window after a key was pressed. */
function moved(key: string, from: number, to: number): [number, number] | undefined {
  const width = to - from
  const by = (left: number, right: number): [number, number] => [from + left * width, to + right * width]
  switch (key) {
    case 'ArrowLeft':
      return by(-0.1, -0.1)
    case 'ArrowRight':
      return by(0.1, 0.1)
    case '+':
    case '=':
      return by(0.15, -0.15)
    case '-':
      return by(-0.2, 0.2)
    case '0':
      return [Number.NaN, Number.NaN]
    default:
      return undefined
  }
}

export function SmallChart({
  metric: name,
  height = SMALL,
}: {
  readonly metric: string
  readonly height?: number
}) {
  const box = useRef<HTMLElement>(null)
  const [near, setNear] = useState(false)
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setNear(entry!.isIntersecting), {
      rootMargin: '200px',
    })
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  const { x, raw, logY } = view.value
  const { reply } = useChart(name, 160, near && !isLargeWaiting.value)
  return (
    <figure class="small" ref={box}>
      <figcaption>
        <h3>{label(name)}</h3>
        <button type="button" class="link" onClick={() => change({ metric: name, tab: 'curves' })}>
          enlarge<span class="hidden"> {name}</span>
        </button>
      </figcaption>
      {reply && near ? (
        <Plot
          reply={reply}
          metric={name}
          colorIndex={colorIndex.value}
          logY={logY && name !== 'lr'}
          raw={raw}
          xLabel={x}
          height={height}
          small
          onZoom={zoom}
        />
      ) : (
        <div class="plot" style={{ height: `${height}px` }} />
      )}
    </figure>
  )
}
