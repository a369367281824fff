/** @file `medtune plugins`: what can stand at each stage of a recipe. */
import { type OptionSchema, type Plugin, STAGES, type StageKind } from '../plugin/index.ts'
import { modulePath } from '../plugin/load.ts'
import type { Registry } from '../plugin/registry.ts'
import { wanted } from '../recipe/messages.ts'
import { registryFor } from '../recipe/resolve.ts'
import { colorsFor } from './colors.ts'

export async function plugins(target: string | undefined, options: { json?: boolean }): Promise<number> {
  const registry = await registryFor(target)
  const kinds = Object.keys(STAGES) as StageKind[]
  const listed = kinds.flatMap((kind) =>
    registry.of(kind).map((plugin) => ({ plugin, origin: originOf(registry, plugin) })),
  )
  if (options.json) {
    const rows = listed.map(({ plugin: { kind, name, summary, options }, origin }) => ({
      kind,
      name,
      summary,
      options,
      common: STAGES[kind].common,
      origin,
    }))
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
    return 0
  }
  process.stdout.write(
    kinds
      .map((kind) =>
        section(
          kind,
          listed.filter((row) => row.plugin.kind === kind),
        ),
      )
      .join('\n'),
  )
  return 0
}

interface Row {
  readonly plugin: Plugin
  readonly origin: { readonly package: string; readonly version?: string; readonly module: string }
}

function originOf(registry: Registry, plugin: Plugin): Row['origin'] {
  const origin = registry.origin(plugin.kind, plugin.name)
  return { package: 'medtune', ...origin, module: modulePath(origin) }
}

function section(kind: StageKind, rows: readonly Row[]): string {
  const colors = colorsFor(process.stdout)
  const { key, summary, common } = STAGES[kind]
  const shared = Object.entries(common).map(([name, schema]) => option(name, schema, false))
  const head = `${colors.bold(key)}: ${summary}\n${shared.join('')}`
  if (rows.length === 0) return `${head}  none installed\n`
  return head + rows.map((row) => describe(row, colors.cyan)).join('')
}

function describe({ plugin, origin }: Row, paint: (text: string) => string): string {
  const from =
    origin.package === 'medtune'
      ? ''
      : ` [${origin.package}${origin.version ? `@${origin.version}` : ''}, ${origin.module}]`
  const required = new Set(plugin.options.required)
  const options = Object.entries<OptionSchema>(plugin.options.properties).map(([name, schema]) =>
    option(name, schema, required.has(name)),
  )
  return `  ${paint(plugin.name)}  ${plugin.summary}${from}\n${options.join('')}`
}

/** `    rank  a whole number, default 16. What it does.` */
function option(name: string, schema: OptionSchema, required: boolean): string {
  const preset =
    'default' in schema && schema.default !== undefined ? `, default ${JSON.stringify(schema.default)}` : ''
  const what = `${wanted(schema)}${required ? ', required' : preset}`
  return `    ${name}  ${what}${schema.description ? `. ${schema.description}` : ''}\n`
}
