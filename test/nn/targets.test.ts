import { describe, expect, it } from 'vitest'
import { matchTargets, minimalTargets } from '../../src/nn/index.ts'
import { OptionError } from '../../src/plugin/contract.ts'

const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj']
const MLP = ['gate_proj', 'up_proj', 'down_proj']
/** Twelve layers: two-digit numbers tell `layers.1` from `layers.11`. */
const sites = Array.from({ length: 12 }, (_, layer) => [
  ...ATTENTION.map((name) => `model.layers.${layer}.self_attn.${name}`),
  ...MLP.map((name) => `model.layers.${layer}.mlp.${name}`),
])
  .flat()
  .map((name) => ({ name, inFeatures: 8, outFeatures: 8 }))
const names = (targets: string | string[]): string[] => matchTargets(targets, sites).map(({ name }) => name)

describe('targets', () => {
  // How many modules PEFT adapts for the same setting.
  it.each<[string | string[], number]>([
    ['all-linear', 84],
    ['All-Linear', 84],
    [['q_proj'], 12],
    [['q_proj', 'v_proj'], 24],
    [['self_attn.q_proj'], 12],
    [['1.self_attn.q_proj'], 1],
    [['layers.1.self_attn.q_proj', 'layers.11.mlp.up_proj'], 2],
    [['model.layers.0.mlp.up_proj'], 1],
    ['.*q_proj', 12],
    ['.*\\.(q|v)_proj', 24],
    ['model\\.layers\\.1\\..*_proj', 7],
    ['.*layers\\.[0-3]\\.mlp\\.(up|down)_proj', 8],
    ['.*\\.q_proj|.*\\.k_proj', 24],
  ])('%j reaches %i projections', (targets, count) => {
    expect(names(targets)).toHaveLength(count)
  })

  it('keep module order, whatever order they are named in', () => {
    expect(names(['down_proj', 'q_proj']).slice(0, 3)).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.0.mlp.down_proj',
      'model.layers.1.self_attn.q_proj',
    ])
  })

  it.each<[string | string[], string, RegExp]>([
    [
      ['q_proj', 'v_prj'],
      'targets.1',
      /"v_prj" is no projection of this model; did you mean "v_proj"\? allowed: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or all-linear/,
    ],
    [['proj'], 'targets.0', /"proj" is no projection/],
    [['self_attn'], 'targets.0', /allowed: q_proj/],
    [['embed_tokens'], 'targets.0', /share one tensor/],
    [['_proj'], 'targets.0', /allowed/],
    [
      ['model.layers.12.self_attn.q_proj'],
      'targets.0',
      /did you mean "model\.layers\.\d+\.self_attn\.q_proj"/,
    ],
    [['all-linear'], 'targets.0', /write targets: all-linear, not a list/],
    [[], 'targets', /is empty: nothing would train/],
    [
      'q_proj',
      'targets',
      /regular expression over the whole module name \(model\.layers\.0\.self_attn\.q_proj\), and "q_proj" matches none; write \[q_proj\]/,
    ],
    ['.*\\.query', 'targets', /matches none; allowed: q_proj/],
    ['q_proj$', 'targets', /matches none/],
    ['(q_proj', 'targets', /"\(q_proj" is not a regular expression/],
  ])('%j is refused at %s', (targets, path, message) => {
    const attempt = (): unknown => matchTargets(targets, sites)
    expect(attempt).toThrow(OptionError)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ path }))
  })

  it('are written as the fewest names that mean the same', () => {
    expect(minimalTargets(matchTargets('all-linear', sites), sites)).toEqual([...ATTENTION, ...MLP].sort())
    expect(minimalTargets(matchTargets(['v_proj', 'q_proj'], sites), sites)).toEqual(['q_proj', 'v_proj'])
    const some = ['q_proj', 'model.layers.1.mlp.up_proj']
    expect(minimalTargets(matchTargets(some, sites), sites)).toEqual(some.toSorted())
    for (const targets of ['.*[13]\\.mlp.*', 'model\\.layers\\.1\\..*', 'all-linear']) {
      const chosen = matchTargets(targets, sites)
      expect(matchTargets(minimalTargets(chosen, sites), sites)).toEqual(chosen)
    }
  })
})
