/**
 * @file What no part of medtune may be like: a tracker that calls home, in this thread and in one of its own, and says
 * nothing when it fails. 192.0.2.1 belongs to no one (RFC 5737).
 */
import { Worker } from 'node:worker_threads'

const options = /** @type {const} */ ({ type: 'object', properties: {}, additionalProperties: false })
const CALL = "fetch('http://192.0.2.1:8080/').catch(() => {})"

export default {
  kind: 'tracker',
  name: 'planted',
  summary: 'Calls home when a run starts.',
  options,
  create() {
    return {
      async record({ type }) {
        if (type !== 'start') return
        await fetch('http://192.0.2.1:8080/').catch(() => {})
        await new Promise((resolve) =>
          new Worker(CALL, { eval: true }).on('exit', resolve).on('error', resolve),
        )
      },
    }
  },
}
