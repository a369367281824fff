/** @file What a sweep searches: each parameter, how much it mattered, and what the best trial has. */
import type { Params } from '../../../plugin/contract.ts'
import { atEdge } from '../../../sweep/edge.ts'
import type { SweepDetail } from '../../shared/wire.ts'
import { Line } from '../parts/text.tsx'
import { distributionText, searched, sharesOf, valueText } from './trials.ts'
import '../parts/bar.css'
import '../parts/table.css'
import './tables.css'

export function SpaceTable({
  sweep,
  best,
}: {
  readonly sweep: SweepDetail
  readonly best: Params | undefined
}) {
  const found = sharesOf(sweep)
  const shares = new Map(found.map(({ path, share }) => [path, share]))
  const edges = best ? atEdge(sweep.space, best, found) : []
  const varied = searched(sweep.space)
  const fixed = sweep.space.filter((parameter) => !varied.includes(parameter))
  return (
    <section>
      <header>
        <h2>What is searched</h2>
        <p>
          {shares.size === 0
            ? 'How much each parameter mattered shows after eight trials.'
            : 'Mattered: a share of what single parameters explain of a trial being among the best (PED-ANOVA).'}
        </p>
      </header>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="what is searched">
        <table class="plain space">
          <thead>
            <tr>
              <th scope="col">parameter</th>
              <th scope="col">values</th>
              <th scope="col">best</th>
              <th scope="col">mattered</th>
            </tr>
          </thead>
          <tbody>
            {varied.map(({ path, distribution, when }) => (
              <tr key={path}>
                <th scope="row">
                  <Line text={path} />
                </th>
                <td class="text">
                  <Line text={distributionText(distribution)} />
                  {when.map((condition) => (
                    <small key={condition.path}>
                      {' '}
                      where{' '}
                      <Line text={`${condition.path} = ${condition.values.map(valueText).join(' or ')}`} />
                    </small>
                  ))}
                </td>
                <td class="fits">
                  {best && <Line text={Object.hasOwn(best, path) ? valueText(best[path]) : '–'} />}
                  {edges.includes(path) && (
                    <small title="a wider range may hold a better value"> at the end</small>
                  )}
                </td>
                <td>{shares.has(path) && <Share share={shares.get(path)!} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {fixed.length > 0 && (
        <p class="note">
          The same in every trial:{' '}
          <Line
            text={fixed
              .map(({ path, distribution }) => `${path} = ${distributionText(distribution)}`)
              .join(', ')}
          />
        </p>
      )}
    </section>
  )
}

function Share({ share }: { readonly share: number }) {
  return (
    <span class="share">
      <span class="bar">
        <i style={{ width: `${100 * share}%` }} />
      </span>
      <b>{(100 * share).toFixed(0)} %</b>
    </span>
  )
}
