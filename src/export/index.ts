/** @file `medtune/export`: trained models and adapters in the file formats of others. */
export { type ModelFolderOptions, writeModelFolder } from './model-folder.ts'
export { writePeftAdapter } from './peft.ts'
