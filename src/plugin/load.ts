/** @file Fills a registry: the built-ins, and the plugins that a recipe names. Nothing is scanned. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BUILT_INS } from '../../plugins/index.ts'
import type { Plugin } from './index.ts'
import { checkPlugin, type Origin, PluginError, Registry } from './registry.ts'

/** A registry with every built-in. */
export async function builtIns(): Promise<Registry> {
  const registry = new Registry()
  const modules = await Promise.all(BUILT_INS.map((entry) => entry.load()))
  for (const [index, module] of modules.entries()) {
    for (const plugin of [module.default].flat() as readonly Plugin[])
      registry.add(plugin, { module: builtInUrl(BUILT_INS[index]!.path) })
  }
  return registry
}

/** The module of a built-in has the same ending as this one: `.ts` from source, `.js` once built. */
function builtInUrl(name: string): string {
  return new URL(`../../plugins/${name}${path.extname(import.meta.url)}`, import.meta.url).href
}

/** Whether a plugin ships with this package. */
export function isBuiltIn({ module }: Origin): boolean {
  return module.startsWith(new URL('../../plugins/', import.meta.url).href)
}

/**
 * Adds what a third-party module exports by default: a plugin, or a list of them.
 * @param name an npm package, found from `dir` as `import` would, or a path that starts with a dot or slash
 * @param accept a further check of each plugin before it is added
 * @throws PluginError where it is not found, does not load, or is no plugin
 */
export async function addThirdParty(
  registry: Registry,
  name: string,
  dir: string,
  accept: (plugin: Plugin) => void = () => {},
): Promise<void> {
  const file = locate(name, dir)
  const origin: Origin = { module: pathToFileURL(file).href, ...packageOf(file) }
  const plugins = await importPlugins(file, name)
  for (const plugin of plugins) {
    checkPlugin(plugin, origin)
    accept(plugin)
    registry.add(plugin, origin)
  }
}

function locate(name: string, dir: string): string {
  if (/^\.{1,2}[/\\]/.test(name) || path.isAbsolute(name)) {
    const file = path.resolve(dir, name)
    if (existsSync(file)) return requireFrom(dir, file) ?? file
    throw new PluginError(`${JSON.stringify(name)} does not exist in ${dir}`)
  }
  const file = requireFrom(dir, name) ?? importOnly(name, dir)
  if (file) return file
  throw new PluginError(
    `no package "${name}" is installed for ${dir}: run "npm install ${name}" there, or give a path such as ./plugin.js`,
  )
}

function requireFrom(dir: string, name: string): string | undefined {
  try {
    return createRequire(path.join(dir, 'recipe.yaml')).resolve(name)
  } catch {
    return undefined
  }
}

/** A package whose exports answer only `import`, which `require.resolve` cannot see. */
function importOnly(name: string, dir: string): string | undefined {
  for (let folder = dir; ; folder = path.dirname(folder)) {
    const root = path.join(folder, 'node_modules', ...name.split('/'))
    const manifest = path.join(root, 'package.json')
    if (existsSync(manifest)) {
      const entry = importEntry(readManifest(manifest).exports)
      return entry && path.join(root, entry)
    }
    if (path.dirname(folder) === folder) return undefined
  }
}

function importEntry(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports
  if (typeof exports !== 'object' || exports === null) return undefined
  const { '.': main, import: entry, default: fallback } = exports as Record<string, unknown>
  return importEntry(main) ?? importEntry(entry) ?? importEntry(fallback)
}

async function importPlugins(file: string, name: string): Promise<readonly Plugin[]> {
  let module: { readonly default?: unknown }
  try {
    module = await import(pathToFileURL(file).href)
  } catch (error) {
    throw new PluginError(`${JSON.stringify(name)} does not load: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const value = module.default
  const plugins = Array.isArray(value) ? value : [value]
  if (plugins.length === 0) throw new PluginError(`${JSON.stringify(name)} exports an empty list of plugins`)
  return plugins
}

/** Name and version of the package that a file belongs to: the nearest package.json that has a name. */
function packageOf(file: string): { readonly package?: string; readonly version?: string } {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json')
    if (existsSync(manifest)) {
      const { name, version } = readManifest(manifest)
      if (typeof name === 'string')
        return { package: name, ...(typeof version === 'string' ? { version } : {}) }
    }
    if (path.dirname(folder) === folder) return {}
  }
}

function readManifest(file: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new PluginError(`${file} is not JSON: ${(error as Error).message}`)
  }
}

/** A module's path as a user would read it. */
export function modulePath(origin: Origin): string {
  return path.relative(process.cwd(), fileURLToPath(origin.module))
}
