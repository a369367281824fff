/** @file The Pareto front: what no other beats in one thing without losing in the other. */

interface Point {
  readonly a: number
  readonly b: number
}

/** Points of the front by rising `a`; for each axis whether smaller is better. */
export function paretoFront<T extends Point>(points: readonly T[], lowerA: boolean, lowerB: boolean): T[] {
  const [signA, signB] = [lowerA ? 1 : -1, lowerB ? 1 : -1]
  const sorted = [...points].sort((p, q) => signA * (p.a - q.a) || signB * (p.b - q.b))
  const front: T[] = []
  let best = Number.POSITIVE_INFINITY
  for (const point of sorted) {
    if (signB * point.b >= best) continue
    best = signB * point.b
    front.push(point)
  }
  return front.sort((p, q) => p.a - q.a)
}
