/** @file docs/footguns.md names the tests that show what it says, and the codes of all warnings: both must be there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/footguns.md'), 'utf8')

/** `test/a.test.ts` -> the names that stand behind it in double quotes. */
function namedTests(page: string): readonly { readonly file: string; readonly name: string }[] {
  const found: { file: string; name: string }[] = []
  for (const [line] of page.matchAll(/^Shown by .*$/gm)) {
    for (const [, file, names] of line.matchAll(/`(test\/[^`]+)`, ((?:[^`])*)/g)) {
      for (const [, name] of names!.matchAll(/"([^"]+)"/g)) found.push({ file: file!, name: name! })
    }
  }
  return found
}

/** Tests that the page names and that are not there. */
function missing(page: string): readonly string[] {
  return namedTests(page)
    .filter(({ file, name }) => {
      const path = join(ROOT, file)
      if (!existsSync(path)) return true
      const text = readFileSync(path, 'utf8')
      // As `test`, `it` or one of their variants takes it: quoted, before the function.
      return !["'", '"', '`'].some((quote) => text.includes(`(${quote}${name}${quote}, `))
    })
    .map(({ file, name }) => `${file}: ${name}`)
}

test('every test that is named is there', () => {
  expect(namedTests(PAGE).length).toBeGreaterThan(40)
  expect(missing(PAGE)).toEqual([])
})

test('a name that no test has is found', () => {
  expect(
    missing('Shown by `test/run/verify.test.ts`, "no such thing"; `test/none.test.ts`, "a"; "b".'),
  ).toEqual(['test/run/verify.test.ts: no such thing', 'test/none.test.ts: a', 'test/none.test.ts: b'])
})

test('every trap but the overview of codes names a test, or leaves the choice to the reader', () => {
  const sections = PAGE.split(/^### /m).slice(1)
  const bare = sections.filter((text) => !/^Shown by /m.test(text)).map((text) => text.split('\n')[0])
  // What takes memory is measured and estimated, see docs/compute.md; nothing is caught.
  expect(bare).toEqual(['Memory'])
})

test('every code of a warning about rows and training is in the table', () => {
  const files = [
    'src/run/row-warnings.ts',
    ...readdirSync(join(ROOT, 'src/train/guards')).map((name) => `src/train/guards/${name}`),
  ]
  const codes = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(?:warn|tell)\(\s*'([a-z-]+)'/g)].map(
      ([, code]) => code!,
    ),
  )
  expect(codes.length).toBeGreaterThan(12)
  const table = PAGE.slice(PAGE.indexOf('## Warnings by code'))
  expect([...new Set(codes)].filter((code) => !table.includes(`\`${code}\``))).toEqual([])
})
