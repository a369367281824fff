/**
 * @file The part of JSON Schema that plugin options may use, and the TypeScript type each schema
 * stands for. Small on purpose: an option that needs more is two options.
 */

interface Described {
  readonly description?: string
}

export type OptionSchema =
  | ({
      readonly type: 'string'
      readonly enum?: readonly string[]
      readonly pattern?: string
      readonly minLength?: number
      readonly default?: string
    } & Described)
  | ({
      readonly type: 'number' | 'integer'
      readonly minimum?: number
      readonly maximum?: number
      readonly exclusiveMinimum?: number
      readonly exclusiveMaximum?: number
      readonly default?: number
    } & Described)
  | ({ readonly type: 'boolean'; readonly default?: boolean } & Described)
  | ({
      readonly type: 'array'
      readonly items: OptionSchema
      readonly minItems?: number
      readonly default?: readonly unknown[]
    } & Described)
  | ({ readonly anyOf: readonly OptionSchema[]; readonly default?: unknown } & Described)
  | (OptionsSchema & Described)
  | (MapSchema & Described)

/** Keys of the user's own choice, values of one kind. */
export interface MapSchema {
  readonly type: 'object'
  readonly additionalProperties: OptionSchema
  readonly default?: undefined
}

/** The options of one plugin: an object in which every key is named. */
export interface OptionsSchema {
  readonly type: 'object'
  readonly properties: { readonly [name: string]: OptionSchema }
  readonly required?: readonly string[]
  readonly additionalProperties: false
}

/** The value that a schema stands for. An option with a default is always present after validation. */
export type Options<S> = OptionsSchema extends S
  ? Readonly<Record<string, unknown>> // no schema in particular: stop here, or the type would unfold without end
  : Known<S>

type Known<S> = S extends { enum: readonly (infer E)[] }
  ? E
  : S extends { type: 'string' }
    ? string
    : S extends { type: 'number' | 'integer' }
      ? number
      : S extends { type: 'boolean' }
        ? boolean
        : S extends { type: 'array'; items: infer I }
          ? readonly Options<I>[]
          : S extends { anyOf: readonly (infer A)[] }
            ? Options<A>
            : S extends { type: 'object'; properties: infer P }
              ? ObjectOptions<P, S extends { required: readonly (infer R)[] } ? R : never>
              : S extends { type: 'object'; additionalProperties: infer V }
                ? Readonly<Record<string, Options<V>>>
                : never

type ObjectOptions<P, R> = Simplify<
  { readonly [K in keyof P as Present<P, K, R> extends true ? K : never]: Options<P[K]> } & {
    readonly [K in keyof P as Present<P, K, R> extends true ? never : K]?: Options<P[K]>
  }
>
type Present<P, K extends keyof P, R> = K extends R ? true : P[K] extends { default: unknown } ? true : false
type Simplify<T> = { [K in keyof T]: T[K] }
