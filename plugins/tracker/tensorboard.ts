/** @file TensorBoard: an event file in the run's own folder, so that `tensorboard --logdir runs` shows every run. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { definePlugin, type RunEvent, type Tracker } from 'medtune/plugin'
import { type Point, summaryRecord, versionRecord } from './tensorboard/record.ts'

export default definePlugin({
  kind: 'tracker',
  name: 'tensorboard',
  summary: "TensorBoard's event file, in the run's folder: figures of each step, scores, samples.",
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: (): Tracker => new TensorBoardTracker(),
})

class TensorBoardTracker implements Tracker {
  #handle: FileHandle | undefined

  /** Every start of a run has a file of its own: TensorBoard reads them in turn and lets a later one overrule. */
  async open(folder: string): Promise<void> {
    const place = join(folder, 'tensorboard')
    await mkdir(place, { recursive: true })
    const now = Date.now()
    const name = `events.out.tfevents.${Math.floor(now / 1000)}.${hostname()}.${process.pid}.0`
    this.#handle = await open(join(place, name), 'a')
    await this.#handle.appendFile(versionRecord(now / 1000))
  }

  async record(event: RunEvent): Promise<void> {
    const points = pointsOf(event)
    if (points.length === 0) return
    const step = 'step' in event ? event.step : 0
    await this.#handle?.appendFile(summaryRecord(Date.parse(event.time) / 1000, step, points))
  }

  async close(): Promise<void> {
    await this.#handle?.close()
  }
}

function pointsOf(event: RunEvent): Point[] {
  switch (event.type) {
    case 'start':
      return [
        { tag: 'recipe', text: `    ${JSON.stringify(event.recipe, null, 2).replaceAll('\n', '\n    ')}` },
      ]
    case 'step':
      return (['loss', 'grad_norm', 'lr', 'tokens', 'seconds', 'epoch'] as const).map((key) => ({
        tag: `train/${key}`,
        value: Number(event[key]),
      }))
    case 'eval':
      return Object.entries(event.scores).map(([score, value]) => ({
        tag: `eval/${event.name}/${score}`,
        value: Number(value),
      }))
    case 'sample':
      return [{ tag: `sample/${event.prompt.slice(0, 80)}`, text: event.text }]
    default:
      return []
  }
}
