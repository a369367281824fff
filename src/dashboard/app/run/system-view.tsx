/** @file What the runs took: memory, processor, speed, and on which machine. */
import { SmallChart } from '../chart/curves-view.tsx'
import { Badge } from '../compare/badge.tsx'
import { bytes, shown } from '../parts/format.ts'
import { Line } from '../parts/text.tsx'
import { compared, curves, nameAt, rowOf } from '../state/runs.ts'
import '../parts/table.css'

const ABOUT = [
  'hardware.cpu',
  'hardware.cores',
  'threads',
  'hardware.memory_bytes',
  'precision',
  'hardware.node',
  'medtune',
] as const
const MOST = 20

export function SystemView() {
  const keys = compared.value.slice(0, MOST)
  const charts = curves.value.filter((name) => name.startsWith('system.'))
  const speed = ['tokens_per_second', 'seconds'].filter((name) => curves.value.includes(name))
  return (
    <div class="system">
      <div class="small-charts">
        {[...charts, ...speed].map((name) => (
          <SmallChart key={name} metric={name} height={200} />
        ))}
      </div>
      {charts.length === 0 && <p class="note">These runs recorded no memory and processor use.</p>}
      <section>
        <h2>Machines</h2>
        <div class="scroll-x" tabIndex={0} role="region" aria-label="table">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">run</th>
                <th scope="col" class="number">
                  peak memory
                </th>
                {ABOUT.map((field) => (
                  <th scope="col" key={field}>
                    {field.replace('hardware.', '')}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keys.map((key, i) => {
                const row = rowOf(key)
                const peak = row?.figures.peak_rss_bytes ?? row?.figures['system.rss_bytes.max']
                return (
                  <tr key={key}>
                    <th scope="row">
                      <Badge index={i} /> <Line text={nameAt(key)} />
                    </th>
                    <td class="number">{peak === undefined ? '' : bytes(peak)}</td>
                    {ABOUT.map((field) => (
                      <td key={field}>
                        <Line text={shown(field, row?.about[field])} />
                      </td>
                    ))}
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  )
}
