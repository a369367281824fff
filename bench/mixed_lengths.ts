/**
 * @file Memory over a run of mixed lengths: trains steps of random length and prints the most that was resident in each
 * third of the run as JSON. Flat means that the last third needs no more than the one before.
 *   npx tsx --conditions=medtune-source bench/mixed_lengths.ts <model folder> [steps] [longest] [option=value of onnxruntime ...]
 */
import { bits } from '../src/util/random.ts'
import { openTraining, settingsOf } from './training.ts'

const [folder, steps = '45', longest = '1024', ...rest] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: bench/mixed_lengths.ts <model folder> [steps] [longest]')
const training = await openTraining(folder, settingsOf(rest))
const count = Number(steps)
const most = [0, 0, 0]
for (let step = 0; step < count; step++) {
  // The longest comes first, so that what grows later is not simply a longer row.
  const length = step === 0 ? Number(longest) : 128 * (1 + (bits(9, 9, step) % (Number(longest) / 128)))
  await training.run(length)
  await training.update(step + 1)
  const third = Math.floor((3 * step) / count)
  most[third] = Math.max(most[third]!, process.memoryUsage.rss())
}
await training.close()
console.log(JSON.stringify({ steps: count, longest: Number(longest), rss_bytes_by_third: most }))
