import { expect, test } from 'vitest'
import { definePlugin, type Plugin } from '../../src/plugin/index.ts'
import { PluginError, Registry } from '../../src/plugin/registry.ts'

const plugin = (name: string, changes: Record<string, unknown> = {}) =>
  ({
    ...definePlugin({
      kind: 'schedule',
      name,
      summary: 'A schedule.',
      options: {
        type: 'object',
        properties: { warmup: { type: 'number', default: 0 } },
        additionalProperties: false,
      },
      create: ({ warmup }) => ({ at: (step) => step + warmup }),
    }),
    ...changes,
  }) as Plugin
const origin = (name: string) => ({ module: `file:///${name}.js` })

test('gives plugins back by kind and name, typed by kind', async () => {
  const registry = new Registry()
  const flat = plugin('flat')
  registry.add(flat, origin('a'))
  registry.add(plugin('bend'), { ...origin('b'), package: 'medtune-plugin-b', version: '2.0.0' })
  const found: Plugin<'schedule'> = registry.get('schedule', 'flat')
  expect(found).toBe(flat)
  expect(registry.of('schedule').map((entry) => entry.name)).toEqual(['bend', 'flat'])
  expect(registry.of('eval')).toEqual([])
  expect([
    registry.has('schedule', 'flat'),
    registry.has('schedule', 'toString'),
    registry.has('eval', 'flat'),
  ]).toEqual([true, false, false])
  expect(registry.origin('schedule', 'bend')).toEqual({
    module: 'file:///b.js',
    package: 'medtune-plugin-b',
    version: '2.0.0',
  })
})

test('an unknown name tells the nearest and all there are', () => {
  const registry = new Registry()
  registry.add(plugin('cosine'), origin('a'))
  registry.add(plugin('linear'), origin('a'))
  expect(() => registry.get('schedule', 'cosin')).toThrow(
    /named "cosin"; did you mean "cosine"; there are: cosine, linear/,
  )
  expect(() => registry.get('eval', 'x')).toThrow(/there are: none/)
})

test('a name taken twice tells both origins', () => {
  const registry = new Registry()
  registry.add(plugin('flat'), { ...origin('one'), package: 'p-one', version: '1.0.0' })
  expect(() => registry.add(plugin('flat'), origin('two'))).toThrow(
    /two plugins claim schedule "flat": p-one@1\.0\.0 \(file:\/\/\/one\.js\) and file:\/\/\/two\.js/,
  )
})

const open = { type: 'object', properties: {} }
test.each([
  ['nothing', undefined, /is undefined, not an object/],
  ['a kind that is none', plugin('x', { kind: 'wheel' }), /kind "wheel" is unknown; allowed: model, dataset/],
  ['a kind of the prototype', plugin('x', { kind: 'constructor' }), /kind "constructor" is unknown/],
  ['a name with a space', plugin('a b'), /name "a b"/],
  ['no summary', plugin('x', { summary: undefined }), /has no summary/],
  ['no create', plugin('x', { create: undefined }), /schedule "x" has no create function/],
  ['no options', plugin('x', { options: undefined }), /options is not a JSON Schema/],
  ['open options', plugin('x', { options: open }), /options must have additionalProperties: false/],
  [
    'open options deep down',
    plugin('x', {
      options: {
        ...open,
        additionalProperties: false,
        properties: { a: { type: 'array', items: { anyOf: [open] } } },
      },
    }),
    /options\.a\.items\.anyOf\.0 must have additionalProperties: false/,
  ],
  [
    'open options inside a map',
    plugin('x', {
      options: {
        ...open,
        additionalProperties: false,
        properties: { a: { type: 'object', additionalProperties: open } },
      },
    }),
    /options\.a\.\* must have additionalProperties: false/,
  ],
  [
    'a key of the engine',
    plugin('x', {
      kind: 'dataset',
      options: { ...open, additionalProperties: false, properties: { holdout: { type: 'number' } } },
    }),
    /declares the option "holdout", which belongs to the engine/,
  ],
])('refuses a plugin with %s', (_, bad, message) => {
  const add = () => new Registry().add(bad as Plugin, origin('bad'))
  expect(add).toThrow(PluginError)
  expect(add).toThrow(message)
})

test('an option may be a map of keys of the user', () => {
  const map = { type: 'object', additionalProperties: { type: 'integer' } }
  const options = { type: 'object', properties: { ranks: map }, additionalProperties: false }
  expect(() => new Registry().add(plugin('x', { options }), origin('x'))).not.toThrow()
})
