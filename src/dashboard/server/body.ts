/** @file The JSON body of a request that changes something. */
import type { IncomingMessage } from 'node:http'
import { Refusal } from './reply.ts'

const LARGEST = 64 << 10

/**
 * A form of another page can send text/plain and the like without asking first, so only JSON is taken.
 * @throws Refusal
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'expected Content-Type: application/json')
  }
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > LARGEST)
      throw new Refusal(413, `the body has more than ${LARGEST} bytes`, { Connection: 'close' })
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new Refusal(400, 'the body is not valid JSON')
  }
}
