/** @file Every schedule against the rates of transformers' own schedulers (test/reference/schedules.py). */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Plugin, Schedule } from '../../../src/plugin/contract.ts'
import { builtIns } from '../../../src/plugin/load.ts'

interface Case {
  readonly use: string
  readonly options: Readonly<Record<string, unknown>>
  readonly warmup: number
  readonly total: number
  readonly rates: readonly number[]
}
const fixture = new URL('../../fixtures/schedules.json', import.meta.url)
const { lr, cases }: { lr: number; cases: Case[] } = JSON.parse(readFileSync(fixture, 'utf8'))
const registry = await builtIns()
const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }

/** The schedule as a recipe makes it: left-out options get their defaults. */
function make(plugin: Plugin<'schedule'>, options: Readonly<Record<string, unknown>>): Schedule {
  const properties = Object.entries(plugin.options.properties as Record<string, { default?: unknown }>)
  const defaults = properties.filter(([, option]) => option.default !== undefined)
  const all = { ...Object.fromEntries(defaults.map(([key, option]) => [key, option.default])), ...options }
  return plugin.create(all, context) as Schedule
}

test('the fixture has every schedule but constant', () => {
  const names = registry.of('schedule').map(({ name }) => name)
  expect([...new Set([...cases.map(({ use }) => use), 'constant'])].sort()).toEqual(names)
})

test.each(cases)('$use $options, warm-up $warmup of $total', ({ use, options, warmup, total, rates }) => {
  const schedule = make(registry.get('schedule', use), { ...options, warmup })
  expect(rates).toHaveLength(total)
  for (const [step, rate] of rates.entries()) {
    expect(Math.abs(lr * schedule.at(step, total, lr) - rate)).toBeLessThan(1e-15 * lr)
  }
})

test('beyond the total the rate stays where the curve ended', () => {
  const ends = { polynomial: 1e-7 / lr, cosine_with_restarts: 0, linear: 0, warmup_stable_decay: 0 }
  for (const [use, end] of Object.entries(ends)) {
    const schedule = make(registry.get('schedule', use), { num_decay_steps: 3, warmup: 2 })
    expect(schedule.at(15, 10, lr)).toBeCloseTo(end, 12)
  }
})

test('options that do not go together or with the peak rate are refused by name', () => {
  const minimum = registry.get('schedule', 'cosine_with_min_lr')
  expect(() => make(minimum, {})).toThrow(/needs "min_lr" or "min_lr_rate"/)
  expect(() => make(minimum, { min_lr: 0, min_lr_rate: 0 })).toThrow(/does not go with "min_lr"/)
  expect(() => make(minimum, { min_lr: 0.1 }).at(0, 9, lr)).toThrow(/more than the peak rate/)
  const polynomial = registry.get('schedule', 'polynomial')
  expect(() => make(polynomial, { lr_end: lr }).at(0, 9, lr)).toThrow(/not below the peak rate/)
})
