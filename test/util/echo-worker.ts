import { parentPort, workerData } from 'node:worker_threads'
import { OptionError } from 'medtune/plugin'
import { pow } from './echo-helper.ts'

// A type annotation, an import of our own subpath and one of a sibling .ts: all three need the loader.
const value: number = pow(workerData as number)
if (value > 100) throw new OptionError('value', 'too large')
parentPort!.postMessage(value)
