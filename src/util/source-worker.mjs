// Entry of a worker thread that runs from the TypeScript sources (see worker.ts): loads tsx, then the module
// named by the first argument. Plain JavaScript, since it runs before anything can load TypeScript. Not shipped.
// (`--import tsx` in the worker's execArgv would come too late for the worker's own entry on Node 20.)
import { register } from 'tsx/esm/api'

register()
await import(process.argv[2])
