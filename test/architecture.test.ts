import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { expect, test } from 'vitest'

/**
 * Folder of src/ -> folders it may import at run time, then those it may import only types from. Data flows
 * from the bottom of this table to the top; no import runs upwards.
 */
const MAY_IMPORT: Record<string, { readonly code: readonly string[]; readonly types: readonly string[] }> = {
  util: { code: [], types: [] },
  compute: { code: ['util'], types: [] },
  nn: { code: ['compute', 'util'], types: ['plugin'] },
  plugin: { code: ['util'], types: ['compute', 'nn'] },
  recipe: { code: ['plugin', 'util'], types: [] },
  data: { code: ['util'], types: ['plugin'] },
  track: { code: ['util'], types: ['plugin', 'recipe'] },
  train: { code: ['compute', 'nn', 'data', 'util'], types: ['plugin', 'track', 'recipe'] },
  eval: { code: ['compute', 'nn', 'data', 'util'], types: ['plugin', 'track', 'recipe'] },
  export: { code: ['compute', 'nn', 'data', 'util'], types: ['plugin', 'track'] },
  sweep: { code: ['plugin', 'recipe', 'track', 'util'], types: [] },
  run: {
    code: ['recipe', 'plugin', 'compute', 'nn', 'data', 'train', 'eval', 'export', 'track', 'util'],
    types: [],
  },
  cli: {
    code: ['run', 'recipe', 'plugin', 'track', 'sweep', 'dashboard', 'util'],
    types: ['data', 'train', 'eval'],
  },
  dashboard: { code: ['track', 'sweep', 'util'], types: ['recipe', 'plugin'] },
}

/** Packages that only one place may name. */
const ONLY_IN: Record<string, string> = {
  'onnxruntime-node': join('src', 'compute', 'onnx', 'session.ts'),
}

interface Import {
  readonly from: string
  readonly target: string
  readonly typesOnly: boolean
}

const STATEMENT = /(?:^|\n)(?:import|export)\s+(type\s+)?[^;'"`]*?from\s+'([^']+)'|import\('([^']+)'\)/g

function importsOf(folder: string): Import[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return files.flatMap((file) => {
    const from = join(folder, file)
    return [...readFileSync(from, 'utf8').matchAll(STATEMENT)].map(([, type, named, dynamic]) => ({
      from,
      target: named ?? dynamic!,
      typesOnly: type !== undefined,
    }))
  })
}

/** `src/nn/linear.ts` -> nn; the story's own files at the top of src/ -> run. */
function areaOf(path: string): string {
  const [, area = ''] = path.split(sep)
  return area.endsWith('.ts') ? 'run' : area
}

function wrongWays(imports: readonly Import[]): string[] {
  return imports
    .filter(({ target }) => target.startsWith('.'))
    .map((one) => ({
      ...one,
      area: areaOf(one.from),
      into: areaOf(normalize(join(dirname(one.from), one.target))),
    }))
    .filter(({ area, into, typesOnly }) => {
      const allowed = MAY_IMPORT[area]
      return into !== area && !allowed?.code.includes(into) && !(typesOnly && allowed?.types.includes(into))
    })
    .map(({ from, target, typesOnly }) => `${from} imports ${typesOnly ? 'types of ' : ''}${target}`)
}

test('no import in src/ runs upwards', () => {
  const imports = importsOf('src')
  expect(imports.length).toBeGreaterThan(200)
  // The command line and the recipe's registry reach the built-in plugins through their one table.
  const known = imports.filter(({ target }) => !target.endsWith('plugins/index.ts'))
  expect(wrongWays(known)).toEqual([])
})

test('a wrong import is seen', () => {
  const planted = [
    { from: join('src', 'compute', 'grad.ts'), target: '../nn/index.ts', typesOnly: false },
    { from: join('src', 'nn', 'lora.ts'), target: '../plugin/index.ts', typesOnly: false },
    { from: join('src', 'nn', 'lora.ts'), target: '../plugin/index.ts', typesOnly: true },
  ]
  expect(wrongWays(planted)).toEqual([
    `${planted[0]!.from} imports ../nn/index.ts`,
    `${planted[1]!.from} imports ../plugin/index.ts`,
  ])
})

test('plugins use the public subpaths only, as a third party would', () => {
  const imports = importsOf('plugins')
  expect(imports.length).toBeGreaterThan(20)
  const own = /^(medtune\/(plugin|nn|compute|compute\/onnx|data|eval|export|sweep)|node:.*|\.\/.*)$/
  const inside = imports
    .filter(({ target }) => !own.test(target))
    .map(({ from, target }) => `${from}: ${target}`)
  const fields = ['@huggingface/jinja', 'csv-parse', 'hyparquet', 'hyparquet-compressors', 'yaml']
  expect(inside.filter((line) => !fields.includes(line.split(': ')[1]!))).toEqual([])
})

test('a native library is named in one place', () => {
  for (const [name, place] of Object.entries(ONLY_IN)) {
    const users = [...importsOf('src'), ...importsOf('plugins')].filter(({ target }) => target === name)
    expect(users.map(({ from }) => from)).toEqual([place])
  }
})
