/** @file READ FIRST. The page: the runs at the left, and at the right what is looked at of those that are drawn. */
import { render } from 'preact'
import { ErrorBoundary } from './parts/error-boundary.tsx'
import './base.css'
import './parts/section.css'
import './main.css'
import { CurvesView } from './chart/curves-view.tsx'
import { CompareView } from './compare/compare-view.tsx'
import { SamplesView } from './compare/samples-view.tsx'
import { inlineSource } from './data/inline-source.ts'
import { Header } from './header.tsx'
import { ParametersView } from './parameters/parameters-view.tsx'
import { RunView } from './run/run-view.tsx'
import { SystemView } from './run/system-view.tsx'
import { failure, overview, source, start, sweeps } from './state/runs.ts'
import { change, TABS, type Tab, view } from './state/view.ts'
import { SweepView } from './sweep/sweep-view.tsx'
import { RunTable } from './table/run-table.tsx'

const VIEWS: Readonly<Record<Tab, { readonly title: string; readonly show: () => preact.JSX.Element }>> = {
  curves: { title: 'Curves', show: CurvesView },
  parameters: { title: 'Parameters', show: ParametersView },
  sweep: { title: 'Sweep', show: SweepView },
  compare: { title: 'Compare', show: CompareView },
  samples: { title: 'Answers', show: SamplesView },
  system: { title: 'System', show: SystemView },
  run: { title: 'Run', show: RunView },
}

function App() {
  if (failure.value !== '' && !overview.value) {
    return (
      <main class="failure">
        <h1>medtune</h1>
        <p role="alert">{failure.value}</p>
      </main>
    )
  }
  if (!overview.value) return <main class="failure" aria-busy="true" />
  const { tab, wide } = view.value
  const { show: View } = VIEWS[tab]
  return (
    <>
      <Header />
      <main class={wide ? 'wide' : ''}>
        <RunTable />
        {!wide && (
          <section class="panel" aria-label={VIEWS[tab].title}>
            <Tabs tab={tab} />
            <div class="view" role="tabpanel" id="view" aria-labelledby={`tab-${tab}`}>
              <ErrorBoundary key={tab}>
                <View />
              </ErrorBoundary>
            </div>
          </section>
        )}
      </main>
    </>
  )
}

function Tabs({ tab }: { readonly tab: Tab }) {
  // Without a sweep there is nothing to see of one.
  const tabs = TABS.filter((one) => one !== 'sweep' || tab === 'sweep' || sweeps.value.length > 0)
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (by === undefined) return
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]!
    change({ tab: next })
    document.getElementById(`tab-${next}`)?.focus()
  }
  return (
    <div class="tabs" role="tablist" onKeyDown={onKeyDown}>
      {tabs.map((one) => (
        <button
          type="button"
          key={one}
          role="tab"
          id={`tab-${one}`}
          aria-selected={one === tab}
          aria-controls="view"
          tabIndex={one === tab ? 0 : -1}
          onClick={() => change({ tab: one })}
        >
          {VIEWS[one].title}
        </button>
      ))}
    </div>
  )
}

const inline = inlineSource()
if (inline) source.value = inline
void start()
render(<App />, document.getElementById('app')!)
