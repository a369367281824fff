/** @file Requests as an attacker writes them, byte for byte: no client library tidies them up. */
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends `text` as it is and reads until the other side closes or falls silent. */
export function raw(port: number, text: string | Buffer, silence = 1500): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const parts: Buffer[] = []
    const done = (): void => {
      socket.destroy()
      resolve(parse(Buffer.concat(parts).toString('utf8')))
    }
    socket.setTimeout(silence, done)
    socket.on('data', (part) => {
      parts.push(part)
      // A stream of events has no end; its head is enough.
      if (part.includes('text/event-stream')) setTimeout(done, 20)
    })
    socket.on('end', done)
    socket.on('error', (error) => (parts.length > 0 ? done() : reject(error)))
    socket.write(text)
  })
}

function parse(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((one) => [
      one.slice(0, one.indexOf(':')).toLowerCase(),
      one.slice(one.indexOf(':') + 1).trim(),
    ]),
  )
  return { status: Number(line.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}

export interface Ask {
  readonly method?: string
  readonly path: string
  /** Header lines; `Host` is the server's own unless one is among them. Undefined values are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string
}

/** One request on a connection of its own. */
export function ask(port: number, { method = 'GET', path, headers = {}, body }: Ask): Promise<Answer> {
  const all: Record<string, string | undefined> = {
    Host: `127.0.0.1:${port}`,
    Connection: 'close',
    ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  )
  return raw(port, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}
