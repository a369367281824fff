/** @file `medtune/plugin`: everything a plugin needs to say what it is. */

export { isOffline } from '../util/offline.ts'
export * from './contract.ts'
export type { OptionSchema, Options, OptionsSchema } from './options.ts'
export { type DocumentKind, kindsOf, STAGES, type StageShape } from './stages.ts'
