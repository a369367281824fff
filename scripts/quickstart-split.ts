/**
 * @file Parts the facts anew into tuned and scored ones, and writes a quickstart recipe for them:
 * npm run quickstart:split -- --seed 2 --out runs/split-2 && npx medtune run runs/split-2/recipe.yaml
 */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'
import { parseSeed } from './facts/draw.ts'
import { makeSplit, writeSplit } from './facts/split.ts'
import { readTable } from './facts/table.ts'

const BASE = resolve(import.meta.dirname, '../recipes/quickstart.yaml')

/** What this script reads of a recipe. */
interface Base {
  readonly dataset: { readonly path: string }
  readonly eval: readonly { readonly path?: string; readonly [option: string]: unknown }[]
}

/** Writes the files of a seed into `out`; with a recipe.yaml, unless `out` is the quickstart's own folder. */
async function writeQuickstart(out: string, seed: number): Promise<string> {
  const split = makeSplit(readTable(), seed)
  await writeSplit(split, out)
  const base: Base = parse(await readFile(BASE, 'utf8'))
  const own = resolve(dirname(BASE), dirname(base.dataset.path))
  if (resolve(out) !== own) await writeFile(join(out, 'recipe.yaml'), recipe(base, out, seed))
  return `${split.train.length} rows, ${split.heldOut.length} held-out questions`
}

/** The quickstart with other data. A list is replaced as a whole, so its evaluations are written out again. */
function recipe(base: Base, out: string, seed: number): string {
  const extended = relative(resolve(out), BASE).split(sep).join('/')
  const own = {
    extends: extended,
    name: `quickstart-split-${seed}`,
    dataset: { path: './train.jsonl' },
    eval: base.eval.map((use) =>
      use.path === undefined ? use : { ...use, path: `./${basename(use.path)}` },
    ),
  }
  return `# The quickstart with its facts parted by seed ${seed}.\n${stringify(own)}`
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, out: { type: 'string' } } })
const seed = parseSeed(values.seed ?? '')
if (seed === undefined || values.out === undefined) {
  process.stderr.write('usage: npm run quickstart:split -- --seed <whole number> --out <folder>\n')
  process.exitCode = 2
} else {
  const summary = await writeQuickstart(values.out, seed)
  process.stdout.write(`${values.out}: ${summary}, seed ${seed}\n`)
}
