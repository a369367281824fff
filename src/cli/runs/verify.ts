/** @file `medtune runs verify`: whether what a run used and wrote is still what it was. */
import { relative } from 'node:path'
import { type FileCheck, type Verification, verifyRun } from '../../run/verify.ts'
import { colorsFor } from '../colors.ts'
import { namedRun } from '../named-run.ts'

export interface VerifyOptions {
  readonly runsDir: string
  readonly json?: boolean
}

/** Exit code: 0 where every file is as it was, 1 where one is not. */
export async function verify(word: string, { runsDir, json }: VerifyOptions): Promise<number> {
  const found = await verifyRun(await namedRun(word, runsDir))
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : describe(found))
  return found.ok ? 0 : 1
}

function describe({ run, name, status, ok, files, differences }: Verification): string {
  const colors = colorsFor(process.stdout)
  const paint = { same: colors.green, changed: colors.red, missing: colors.red, unrecorded: colors.yellow }
  const wide = Math.max(...files.map(({ role }) => role.length))
  const bad = files.filter((file) => file.status === 'changed' || file.status === 'missing').length
  return [
    `${colors.bold(name)} (${status}): ${relative(process.cwd(), run) || '.'}\n`,
    ...files.map(
      (file) => `${paint[file.status](file.status.padEnd(10))} ${file.role.padEnd(wide)}  ${shown(file)}\n`,
    ),
    ...differences.map(
      ({ what, recorded, found }) =>
        `${colors.yellow('differs')}    ${what}: ${recorded} then, ${found} now\n`,
    ),
    ok ? `every file is as it was\n` : `${bad} of ${files.length} files are not as they were\n`,
  ].join('')
}

function shown({ path, status, recorded, found }: FileCheck): string {
  const hash = recorded?.slice(0, 12)
  if (status === 'changed')
    return `${path}  ${hash} then, ${found?.slice(0, 12) ?? 'another size or content'} now`
  return hash === undefined ? path : `${path}  ${hash}`
}
