/** @file Parameters of an address, each checked: a number in its range, a word of a list, runs that exist. */
import { Refusal } from './reply.ts'

/** Runs that one request may name. */
const MOST_RUNS = 1000
const LONGEST = 500

export function text(params: URLSearchParams, name: string, fallback?: string): string {
  const value = params.get(name) ?? fallback
  if (value === undefined) throw new Refusal(400, `parameter ${name} is missing`)
  if (value.length > LONGEST) throw new Refusal(400, `parameter ${name} is too long`)
  return value
}

/** A finite number between two ends; `fallback` where it is left out. */
export function number(
  params: URLSearchParams,
  name: string,
  range: readonly [number, number],
  fallback: number,
): number {
  const value = params.get(name)
  if (value === null || value === '') return fallback
  const found = Number(value)
  if (!(found >= range[0] && found <= range[1])) {
    throw new Refusal(400, `parameter ${name}: expected a number from ${range[0]} to ${range[1]}`)
  }
  return found
}

export function whole(
  params: URLSearchParams,
  name: string,
  range: readonly [number, number],
  fallback: number,
): number {
  return Math.floor(number(params, name, range, fallback))
}

export function oneOf<T extends string>(
  params: URLSearchParams,
  name: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const value = params.get(name) ?? fallback
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Refusal(400, `parameter ${name}: expected one of ${allowed.join(', ')}`)
  return found
}

/** The runs that `run=` names, by key. Those that are gone are left out. */
export function keys(params: URLSearchParams): readonly string[] {
  const found = params.getAll('run').flatMap((value) => value.split(','))
  if (found.length > MOST_RUNS) throw new Refusal(400, `at most ${MOST_RUNS} runs at a time`)
  return [...new Set(found)]
}
