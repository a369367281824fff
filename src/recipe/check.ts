/** @file Checks a recipe against the one schema, fills the defaults in, and turns every error into a problem with its place. */
import { Ajv, type ErrorObject } from 'ajv'
import { type Plugin, STAGES } from '../plugin/index.ts'
import { PluginError, type Registry } from '../plugin/registry.ts'
import { OptionError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'
import { firstOf, type Problem } from './errors.ts'
import { kindOf } from './expand.ts'
import { hintFor } from './hints.ts'
import { tell } from './messages.ts'
import { type JsonSchema, knownKeys, recipeSchema } from './schema.ts'
import { find, type MapNode, placeOf, toValue } from './tree.ts'

const OPTIONS = {
  allErrors: true,
  useDefaults: true,
  discriminator: true,
  verbose: true,
  ownProperties: true,
  strictNumbers: true,
  strict: false,
  validateSchema: false,
} as const

/** Whether all files below and all plugins could be read; what a lack of them may have caused is not told beside it. */
interface Complete {
  readonly layers: boolean
  readonly plugins: boolean
}

/** What a file must be, and what helps to say where it is not. */
export interface Rules {
  readonly schema: JsonSchema
  /** Every key that the file may hold -> the paths it stands at. */
  readonly known: ReadonlyMap<string, readonly string[]>
  /** Top-level keys that were taken out before the check. */
  readonly taken: readonly string[]
}

/**
 * @param root the recipe after extends, short forms and overrides
 * @returns the plain recipe with its defaults; worth using only where no problem was added
 */
export function checkRecipe(
  root: MapNode,
  registry: Registry,
  problems: Problem[],
  complete: Complete,
): unknown {
  const value = toValue(root)
  const [schema, known] = [recipeSchema(registry, value), knownKeys(registry, value)]
  return checkDocument(root, { schema, known, taken: ['extends'] }, registry, problems, complete)
}

/** The plain value of `root` with its defaults; every broken rule goes to `problems`. */
export function checkDocument(
  root: MapNode,
  rules: Rules,
  registry: Registry,
  problems: Problem[],
  complete: Complete,
): unknown {
  const value = toValue(root)
  const validate = new Ajv(OPTIONS).compile(rules.schema as object)
  if (validate(value)) return value
  const errors = withoutBranches(validate.errors ?? []).filter((error) => isCertain(error, complete))
  const told = errors.map((error) => describe(error, root, registry, rules))
  problems.push(...firstOf(told, ({ path }) => path))
  return value
}

function isCertain(error: ErrorObject, complete: Complete): boolean {
  if (error.keyword === 'required') return complete.layers
  if (error.keyword === 'discriminator' || error.keyword === 'false schema') return complete.plugins
  return true
}

/** @throws PluginError where a third party's options are no JSON Schema, which would otherwise fail for the whole recipe. */
export function checkOptions(plugin: Plugin): void {
  try {
    new Ajv({ ...OPTIONS, validateSchema: true, logger: false }).compile(plugin.options as object)
  } catch (error) {
    throw new PluginError(
      `the options of ${plugin.kind} "${plugin.name}" are no JSON Schema: ${(error as Error).message}`,
    )
  }
}

/** Options of a plugin outside a recipe, with its defaults filled in. @throws OptionError for the first that it cannot have. */
export function completeOptions(
  plugin: Plugin,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const value = structuredClone(options)
  const validate = new Ajv(OPTIONS).compile(plugin.options as object)
  if (validate(value)) return value
  const [error] = validate.errors!
  const at = pathOf(error!)
  const allowed = Object.keys(plugin.options.properties ?? {}).join(', ')
  const unknown = error!.keyword === 'additionalProperties'
  throw new OptionError(
    at.join('.'),
    unknown ? `unknown option; allowed: ${allowed}` : valueFinding(error!, at).message,
  )
}

/** An error as a problem, without its place. */
type Finding = Omit<Problem, 'file' | 'line' | 'col' | 'override'>

function describe(error: ErrorObject, root: MapNode, registry: Registry, rules: Rules): Problem {
  const at = pathOf(error)
  const finding = stageFinding(error, at, registry) ?? keyFinding(error, at, rules) ?? valueFinding(error, at)
  // A key may hold dots itself.
  const whole = finding.path === at.join('.') ? at : finding.path.split('.')
  const place = error.keyword === 'additionalProperties' ? find(root, whole)?.key : undefined
  return { ...(place ?? placeOf(root, whole)), ...finding }
}

/** Where an error is: its own instance path, and the key that is unknown or missing there. */
function pathOf(error: ErrorObject): readonly string[] {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  if (error.keyword === 'additionalProperties') return [...path, error.params.additionalProperty]
  if (error.keyword === 'required') return [...path, error.params.missingProperty]
  return path
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** An error of a stage as a whole: no such plugin, none at hand, or `use` left out. */
function stageFinding(error: ErrorObject, at: readonly string[], registry: Registry): Finding | undefined {
  const kind = kindOf(at[0])
  if (!kind) return undefined
  const allowed = registry.of(kind).map((plugin) => plugin.name)
  const path = at.join('.')
  if (error.keyword === 'false schema') return { path, message: `no plugin of kind "${kind}" is installed` }
  if (error.keyword === 'discriminator') {
    const name = error.params.tagValue
    if (typeof name !== 'string')
      return { path: `${path}.use`, message: 'must be the name of a plugin', allowed }
    return {
      path: `${path}.use`,
      message: `no ${kind} plugin is named "${name}"`,
      ...suggest(nearest(name, allowed)),
      allowed,
    }
  }
  if (error.keyword === 'required' && at.at(-1) === 'use') return { path, message: 'is missing', allowed }
  if (error.keyword === 'required' && at.length === 1) {
    const message = `is missing: ${STAGES[kind].summary}`
    return { path, message, allowed: allowed.map((name) => `{ use: ${name}, ... }`) }
  }
  return undefined
}

function keyFinding(error: ErrorObject, at: readonly string[], { known, taken }: Rules): Finding | undefined {
  const path = at.join('.')
  if (error.keyword === 'additionalProperties') {
    const siblings = Object.keys((error.parentSchema as { properties: object }).properties)
    const allowed = at.length === 1 ? [...taken, ...siblings] : siblings
    return { path, message: 'unknown key', ...suggest(hintFor(at, allowed, known)), allowed }
  }
  if (error.keyword === 'required') {
    const siblings = (error.parentSchema as { properties: Record<string, { description?: string }> })
      .properties
    const description = siblings[at.at(-1)!]?.description
    return { path, message: description ? `is missing: ${description}` : 'is missing' }
  }
  return undefined
}

function valueFinding(error: ErrorObject, at: readonly string[]): Finding {
  const path = at.join('.')
  if (error.keyword !== 'enum') return { path, message: tell(error) }
  const allowed = (error.params.allowedValues as readonly unknown[]).map(String)
  return { path, message: tell(error), ...suggest(nearest(String(error.data), allowed)), allowed }
}

function suggest(suggestion: string | undefined): { suggestion?: string } {
  return suggestion === undefined ? {} : { suggestion }
}

/**
 * ajv reports every branch of an `anyOf` that failed, and then the `anyOf`. Where the value's type fits one
 * branch, that branch's errors are the ones to tell; otherwise the `anyOf` alone.
 */
function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = errors.filter((error) => error.keyword === 'anyOf')
  const dropped = new Set<ErrorObject>()
  for (const choice of choices) {
    const inside = errors.filter(
      (error) =>
        error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
        error.instancePath.startsWith(choice.instancePath),
    )
    const branchOf = (error: ErrorObject) =>
      error.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0]
    const wrongType = new Set(
      inside
        .filter((error) => error.keyword === 'type' && error.instancePath === choice.instancePath)
        .map(branchOf),
    )
    const fitting = inside.filter((error) => !wrongType.has(branchOf(error)))
    if (fitting.length > 0) dropped.add(choice)
    for (const error of inside) if (wrongType.has(branchOf(error))) dropped.add(error)
  }
  return errors.filter((error) => !dropped.has(error))
}
