/** @file Items won, tied and lost, as a bar and in numbers. */
import './outcome-bar.css'

export function OutcomeBar({
  wins,
  ties,
  losses,
}: {
  readonly wins: number
  readonly ties: number
  readonly losses: number
}) {
  const all = Math.max(1, wins + ties + losses)
  const part = (count: number): string => `${(100 * count) / all}%`
  return (
    <span class="outcomes" role="img" aria-label={`${wins} won, ${ties} tied, ${losses} lost`}>
      <span class="outcome-bar">
        <i class="win" style={{ width: part(wins) }} />
        <i class="tie" style={{ width: part(ties) }} />
        <i class="loss" style={{ width: part(losses) }} />
      </span>
      <small>
        {wins} / {ties} / {losses}
      </small>
    </span>
  )
}
