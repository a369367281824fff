/**
 * @file TensorBoard's event files: protobuf messages (tensorboard/compat/proto/event.proto, summary.proto), each framed
 * as a TFRecord: length, its checksum, data, its checksum.
 */

/** One figure, or one text, at a step. */
export type Point = { readonly tag: string } & ({ readonly value: number } | { readonly text: string })

/** The record of some points at one step. @param time seconds since 1970 */
export function summaryRecord(time: number, step: number, points: readonly Point[]): Buffer {
  const values = points.map((point) => field(1, 'value' in point ? scalar(point) : text(point)))
  return frame(Buffer.concat([double(1, time), integer(2, step), field(5, Buffer.concat(values))]))
}

/** The record that every event file begins with. */
export function versionRecord(time: number): Buffer {
  return frame(Buffer.concat([double(1, time), field(3, Buffer.from('brain.Event:2'))]))
}

/** Summary.Value: tag 1, simple_value 2. */
function scalar({ tag, value }: { readonly tag: string; readonly value: number }): Buffer {
  const float = Buffer.alloc(5)
  float[0] = (2 << 3) | 5
  float.writeFloatLE(value, 1)
  return Buffer.concat([field(1, Buffer.from(tag)), float])
}

/** Summary.Value of the text plugin: a string tensor (dtype 1 = DT_STRING, shape 2 = [1], string_val 8). */
function text({ tag, text }: { readonly tag: string; readonly text: string }): Buffer {
  const metadata = field(1, field(1, Buffer.from('text')))
  const shape = field(2, integer(1, 1))
  const tensor = Buffer.concat([integer(1, 7), field(2, shape), field(8, Buffer.from(text))])
  return Buffer.concat([field(1, Buffer.from(tag)), field(8, tensor), field(9, metadata)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

const field = (number: number, data: Buffer): Buffer =>
  Buffer.concat([varint((number << 3) | 2), varint(data.length), data])

const integer = (number: number, value: number): Buffer => Buffer.concat([varint(number << 3), varint(value)])

function double(number: number, value: number): Buffer {
  const buffer = Buffer.alloc(9)
  buffer[0] = (number << 3) | 1
  buffer.writeDoubleLE(value, 1)
  return buffer
}

function frame(data: Buffer): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(data.length))
  return Buffer.concat([length, checksum(length), data, checksum(data)])
}

/** TFRecord's masked CRC-32C. */
function checksum(data: Buffer): Buffer {
  const crc = crc32c(data)
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  return buffer
}

/** CRC with Castagnoli's polynomial, a byte at a time. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

function crc32c(data: Buffer): number {
  let crc = 0xffffffff
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
