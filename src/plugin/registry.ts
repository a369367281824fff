/** @file The plugins at hand, by kind and name, and where each came from. */
import { nearest } from '../util/nearest.ts'
import type { OptionSchema, Plugin, StageKind } from './index.ts'
import { STAGES } from './stages.ts'

export interface Origin {
  /** File URL of the module whose default export is the plugin (or the list that holds it). */
  readonly module: string
  /** Name and version of the package that a third-party plugin came in. */
  readonly package?: string
  readonly version?: string
}

/** A plugin that cannot be used: malformed, not found, or a name taken twice. */
export class PluginError extends Error {
  override readonly name = 'PluginError'
}

interface Entry {
  readonly plugin: Plugin
  readonly origin: Origin
}

export class Registry {
  readonly #entries = new Map<StageKind, Map<string, Entry>>()

  /** @throws PluginError where the plugin breaks the contract or its name is taken. */
  add(plugin: Plugin, origin: Origin): void {
    checkPlugin(plugin, origin)
    const names = this.#entries.get(plugin.kind) ?? new Map<string, Entry>()
    const taken = names.get(plugin.name)
    if (taken) {
      throw new PluginError(
        `two plugins claim ${plugin.kind} "${plugin.name}": ${describe(taken.origin)} and ${describe(origin)}`,
      )
    }
    names.set(plugin.name, Object.freeze({ plugin, origin: Object.freeze({ ...origin }) }))
    this.#entries.set(plugin.kind, names)
  }

  has(kind: StageKind, name: string): boolean {
    return this.#entries.get(kind)?.has(name) ?? false
  }

  /** @throws PluginError for a name that no plugin of the kind has. */
  get<K extends StageKind>(kind: K, name: string): Plugin<K> {
    return this.#entry(kind, name).plugin as Plugin<K>
  }

  origin(kind: StageKind, name: string): Origin {
    return this.#entry(kind, name).origin
  }

  /** Every plugin of a kind, sorted by name. */
  of<K extends StageKind>(kind: K): readonly Plugin<K>[] {
    const entries = [...(this.#entries.get(kind)?.values() ?? [])]
    return entries.map((entry) => entry.plugin as Plugin<K>).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #entry(kind: StageKind, name: string): Entry {
    const names = this.#entries.get(kind)
    const entry = names?.get(name)
    if (entry) return entry
    const known = [...(names?.keys() ?? [])].sort()
    const hint = nearest(name, known)
    throw new PluginError(
      `no ${kind} plugin is named "${name}"${hint ? `; did you mean "${hint}"` : ''}; there are: ${known.join(', ') || 'none'}`,
    )
  }
}

/** An origin in words: package and version, or the module's path. */
export function describe(origin: Origin): string {
  return origin.package ? `${origin.package}@${origin.version ?? '?'} (${origin.module})` : origin.module
}

/**
 * Third-party plugins are JavaScript: nothing the types promise can be taken for granted.
 * @throws PluginError that says what is missing
 */
export function checkPlugin(plugin: unknown, origin: Origin): asserts plugin is Plugin {
  const fail = (what: string): never => {
    throw new PluginError(`${describe(origin)} does not export a plugin: ${what}`)
  }
  if (typeof plugin !== 'object' || plugin === null)
    fail(`the default export is ${typeof plugin}, not an object`)
  const { kind, name, summary, options, create } = plugin as Record<string, unknown>
  if (typeof kind !== 'string' || !Object.hasOwn(STAGES, kind)) {
    fail(`kind ${JSON.stringify(kind)} is unknown; allowed: ${Object.keys(STAGES).join(', ')}`)
  }
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    fail(`name ${JSON.stringify(name)} must be letters, digits, ".", "_" or "-"`)
  }
  const label = `${kind} "${name}"`
  if (typeof summary !== 'string') fail(`${label} has no summary`)
  if (typeof create !== 'function') fail(`${label} has no create function`)
  checkOptions(options, label, fail)
  const reserved = Object.keys((options as { properties: object }).properties).find(
    (key) => key === 'use' || Object.hasOwn(STAGES[kind as StageKind].common, key),
  )
  if (reserved) fail(`${label} declares the option "${reserved}", which belongs to the engine`)
}

/**
 * Unknown keys are errors at every depth, so every object in a plugin's options must be closed, or be a map:
 * keys of the user's own with values of one schema.
 */
function checkOptions(schema: unknown, label: string, fail: (what: string) => never, path = 'options'): void {
  if (typeof schema !== 'object' || schema === null) fail(`${label}: ${path} is not a JSON Schema`)
  const { type, properties, additionalProperties, items, anyOf } = schema as Record<string, unknown>
  if (path === 'options' && type !== 'object') fail(`${label}: ${path} must have type: 'object'`)
  const isMap = path !== 'options' && properties === undefined && typeof additionalProperties === 'object'
  if (isMap) checkOptions(additionalProperties, label, fail, `${path}.*`)
  else if (type === 'object') {
    if (additionalProperties !== false) fail(`${label}: ${path} must have additionalProperties: false`)
    if (typeof properties !== 'object' || properties === null) fail(`${label}: ${path} has no properties`)
    for (const [key, value] of Object.entries(properties as Record<string, OptionSchema>)) {
      checkOptions(value, label, fail, `${path}.${key}`)
    }
  }
  if (type === 'array') checkOptions(items, label, fail, `${path}.items`)
  if (Array.isArray(anyOf)) {
    for (const [index, branch] of anyOf.entries()) checkOptions(branch, label, fail, `${path}.anyOf.${index}`)
  }
}
