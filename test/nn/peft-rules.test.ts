/** @file Which modules PEFT's rules choose, with which rank and scale: rules.json of test/reference/lora_fixture.py. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { gemma3, loraTargets, matchTargets } from '../../src/nn/index.ts'
import { type LinearSite, OptionError } from '../../src/plugin/contract.ts'
import { fullMatch } from '../../src/util/python-regex.ts'

interface Settings {
  readonly r: number
  readonly lora_alpha: number
  readonly target_modules: string | string[]
  readonly exclude_modules?: string | string[]
  readonly layers_to_transform?: number | number[]
  readonly layers_pattern?: string | string[]
  readonly rank_pattern?: Record<string, number>
  readonly alpha_pattern?: Record<string, number>
  readonly use_rslora?: boolean
}
interface Rule {
  readonly settings: Settings
  readonly chosen?: Record<string, [number, number]>
  readonly refused?: string
}

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
const rules: Rule[] = JSON.parse(readFileSync(fixture('peft-lora/rules.json'), 'utf8'))

let sites: readonly LinearSite[]
beforeAll(async () => {
  sites = (await gemma3(fixture('gemma3-tiny/grouped'))).sites
})

const chosenBy = ({ target_modules: targets, ...s }: Settings, lenient: boolean) => {
  const filters = {
    exclude: s.exclude_modules,
    layers_to_transform: s.layers_to_transform,
    layers_pattern: s.layers_pattern,
  }
  const matched = matchTargets(targets, sites, filters, { lenient })
  const { r: rank, lora_alpha: alpha, rank_pattern, alpha_pattern, use_rslora: rslora } = s
  return loraTargets(matched, { rank, alpha, rank_pattern, alpha_pattern, rslora, seed: 0 }, { lenient })
}

describe('PEFT chooses the same for', () => {
  it.each(rules.map((rule) => [JSON.stringify(rule.settings), rule] as const))('%s', (_, rule) => {
    if (rule.refused !== undefined) {
      expect(() => chosenBy(rule.settings, true)).toThrow(OptionError)
      return
    }
    const targets = chosenBy(rule.settings, true)
    expect(targets.map(({ name, rank }) => [name, rank])).toEqual(
      Object.entries(rule.chosen!).map(([name, [rank]]) => [name, rank]),
    )
    for (const { name, scaling } of targets) expect(scaling, name).toBeCloseTo(rule.chosen![name]![1], 12)
  })
})

describe('stricter than PEFT is', () => {
  const base = { r: 4, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] }
  it.each<[string, Partial<Settings>, string, RegExp]>([
    ['an excluded name of no module', { exclude_modules: ['q_prj'] }, 'exclude.0', /did you mean "q_proj"/],
    [
      'a string that excludes nothing',
      { exclude_modules: 'q_proj' },
      'exclude',
      /matches none; write \[q_proj\]/,
    ],
    ['a rank for no target', { rank_pattern: { up_proj: 2 } }, 'rank_pattern.up_proj', /none of the targets/],
    ['a broken pattern', { alpha_pattern: { '(': 2 } }, 'alpha_pattern.(', /not a regular expression/],
    ['a rank too wide', { rank_pattern: { q_proj: 40 } }, 'rank_pattern', /40 is more than .* at most 32/],
    [
      'a layer without targets',
      { layers_to_transform: [9] },
      'layers_to_transform',
      /no target lies in layer 9/,
    ],
    ['the embedding', { target_modules: ['embed_tokens'] }, 'targets.0', /share one tensor.*all-linear/],
    ['the head', { target_modules: ['q_proj', 'lm_head'] }, 'targets.1', /"lm_head" is not adapted/],
    ['the embedding by a pattern', { target_modules: '.*' }, 'targets', /reaches model\.embed_tokens/],
  ])('%s is refused', (_, change, path, message) => {
    const attempt = () => chosenBy({ ...base, ...change }, false)
    expect(attempt).toThrow(OptionError)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ path }))
  })

  it('lm_head and embed_tokens may be excluded, as recipes of others do', () => {
    const chosen = chosenBy({ ...base, target_modules: 'all-linear', exclude_modules: ['lm_head'] }, false)
    expect(chosen).toHaveLength(sites.length)
  })
})

it.each<[string, string, boolean]>([
  ['a.c', 'abc', true],
  ['a.c', 'abcd', false],
  ['[]a]+', 'a]a', true],
  ['[^]a]', 'b', true],
  ['[^]a]', ']', false],
  ['(?i)ABC', 'abc', true],
  ['(?P<x>a)(?P=x)', 'aa', true],
  ['a{,2}', 'aa', true],
  ['a{,2}', 'aaa', false],
  ['a(?#a note)b', 'ab', true],
  ['\\Aab\\Z', 'ab', true],
  ['[(?P<]', '<', true],
  ['\\(\\?P<', '(?P<', true],
  ['a|bc', 'bc', true],
])("Python's fullmatch of %s on %s: %s", (pattern, text, expected) => {
  expect(fullMatch(pattern).test(text)).toBe(expected)
})
