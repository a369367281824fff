/** @file Numbers of bytes as people write them. */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** `4GB` -> 4e9, `512 MiB` -> 2^29; undefined for what is no number of bytes. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]i?)?B$/.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * UNITS[unit]!
}

/** 12 kB, 512 MB, 4.8 GB: powers of 1000. */
export function formatBytes(value: number): string {
  if (!Number.isFinite(value)) return 'unknown'
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  return value >= 1e6 ? `${Math.round(value / 1e6)} MB` : `${Math.ceil(value / 1e3)} kB`
}
