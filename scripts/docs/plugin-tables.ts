/** @file The built-in plugins with their options, as Markdown: what docs/recipe.md and docs/sweeps.md show between their two markers. */
import {
  type DocumentKind,
  kindsOf,
  type OptionSchema,
  type Plugin,
  STAGES,
  type StageKind,
} from '../../src/plugin/index.ts'
import type { Registry } from '../../src/plugin/registry.ts'
import { wanted } from '../../src/recipe/messages.ts'

const BEGIN = '<!-- plugins: written by `npm run docs:plugins` -->'
const END = '<!-- /plugins -->'

/** The page with everything between its markers replaced. Throws where it does not have both, once, in order. */
export function withTables(page: string, tables: string): string {
  const [before, rest, ...more] = page.split(BEGIN)
  const [, after, ...extra] = (rest ?? '').split(END)
  if (after === undefined || more.length > 0 || extra.length > 0)
    throw new Error(`the page must have "${BEGIN}" and, below it, "${END}", once each`)
  return `${before}${BEGIN}\n\n${tables}\n${END}${after}`
}

/** A section for each kind of plugin that a file may name and that there is, in the order of `STAGES`. */
export function pluginTables(registry: Registry, document: DocumentKind = 'recipe'): string {
  return kindsOf(document)
    .filter((kind) => registry.of(kind).length > 0)
    .map((kind) => section(kind, registry.of(kind)))
    .join('\n')
}

function section(kind: StageKind, plugins: readonly Plugin[]): string {
  const { key, summary, many, fallback, common } = STAGES[kind]
  const place = many ? 'A list; empty if left out.' : fallback === undefined ? 'Required.' : leftOut(fallback)
  const shared =
    Object.keys(common).length === 0
      ? ''
      : `\nOptions of every \`${key}\` plugin:\n\n${table(common, new Set())}`
  return `### \`${key}\`\n\n${summary} ${place}\n${shared}${plugins.map(entry).join('')}`
}

function leftOut(fallback: unknown): string {
  return `\`${(fallback as { readonly use: string }).use}\` if left out.`
}

function entry({ name, summary, options }: Plugin): string {
  const required = new Set<string>(options.required)
  const none = Object.keys(options.properties).length === 0
  const body = none ? 'No options of its own.\n' : table(options.properties, required)
  return `\n#### \`${name}\`\n\n${summary}\n\n${body}`
}

function table(properties: { readonly [name: string]: OptionSchema }, required: ReadonlySet<string>): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const preset = required.has(name) ? 'required' : code('default' in schema ? schema.default : undefined)
    return `| \`${name}\` | ${cell(shape(schema))} | ${cell(preset)} | ${cell(schema.description ?? '')} |\n`
  })
  return `| option | value | default | |\n|---|---|---|---|\n${rows.join('')}`
}

/** What the schema asks for and within which limits. */
function shape(schema: OptionSchema): string {
  if ('additionalProperties' in schema && schema.additionalProperties !== false)
    return `a mapping of names, each to ${shape(schema.additionalProperties)}`
  const limits = Object.entries(LIMITS)
    .filter(([keyword]) => Object.hasOwn(schema, keyword))
    .map(([keyword, words]) => `${words} ${(schema as unknown as Record<string, unknown>)[keyword]}`)
  return [wanted(schema), ...limits].join(', ')
}

const LIMITS: { readonly [keyword: string]: string } = {
  minimum: 'at least',
  exclusiveMinimum: 'more than',
  maximum: 'at most',
  exclusiveMaximum: 'less than',
}

function code(value: unknown): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``
}

/** Text in a table: a bar would end its cell, and braces or angle brackets are not markup here. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replace(/\s+/g, ' ')
}
