/** @file Writes an ONNX ModelProto: the protobuf wire format of the few messages that a graph needs (onnx.proto3). */
import type { OnnxAttr, OnnxBody, OnnxConstant, OnnxNode, OnnxPort } from './rule.ts'

/** An initializer that lies in a file beside the model. */
export interface OnnxExternal {
  readonly name: string
  readonly type: OnnxPort['type']
  readonly shape: readonly number[]
  /** Bare file name, byte offset and length. */
  readonly location: string
  readonly offset: number
  readonly length: number
}

export interface OnnxModel extends OnnxBody {
  readonly external: readonly OnnxExternal[]
}

/** TensorProto.DataType */
const DATA_TYPE: Readonly<Record<OnnxPort['type'], number>> = {
  f32: 1,
  u8: 2,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  bf16: 16,
}
const IR_VERSION = 10
const OPSET = 21

const encoder = new TextEncoder()

class Message {
  readonly #parts: Uint8Array[] = []
  #size = 0

  int(field: number, value: number | bigint): this {
    return this.#push(varint((BigInt(field) << 3n) | 0n)).#push(varint(BigInt.asUintN(64, BigInt(value))))
  }
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.#push(varint((BigInt(field) << 3n) | 5n)).#push(bytes)
  }
  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint((BigInt(field) << 3n) | 2n))
      .#push(varint(BigInt(value.length)))
      .#push(value)
  }
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value))
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.finish())
  }
  finish(): Uint8Array {
    const out = new Uint8Array(this.#size)
    let at = 0
    for (const part of this.#parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }
  #push(part: Uint8Array): this {
    this.#parts.push(part)
    this.#size += part.length
    return this
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

function constant({ name, type, shape, bytes }: OnnxConstant): Message {
  const message = new Message().int(2, DATA_TYPE[type]).text(8, name).bytes(9, bytes)
  for (const dim of shape) message.int(1, dim)
  return message
}

function external({ name, type, shape, location, offset, length }: OnnxExternal): Message {
  const message = new Message().int(2, DATA_TYPE[type]).text(8, name)
  for (const dim of shape) message.int(1, dim)
  for (const [key, value] of Object.entries({ location, offset, length })) {
    message.message(13, new Message().text(1, key).text(2, String(value)))
  }
  return message.int(14, 1)
}

function attribute(name: string, value: OnnxAttr): Message {
  const message = new Message().text(1, name)
  if (typeof value === 'number') return message.int(3, value).int(20, 2)
  if (typeof value === 'string') return message.text(4, value).int(20, 3)
  if ('float' in value) return message.float(2, value.float).int(20, 1)
  if ('graph' in value) return message.message(6, graph({ ...value.graph, external: [] })).int(20, 5)
  for (const item of value) message.int(8, item)
  return message.int(20, 7)
}

function node({ type, domain, inputs, outputs, attrs }: OnnxNode): Message {
  const message = new Message()
  for (const input of inputs) message.text(1, input)
  for (const output of outputs) message.text(2, output)
  message.text(3, outputs.find((output) => output !== '') ?? '').text(4, type)
  for (const [name, value] of Object.entries(attrs)) message.message(5, attribute(name, value))
  return domain === '' ? message : message.text(7, domain)
}

function port({ name, type, shape }: OnnxPort): Message {
  const dims = new Message()
  for (const dim of shape) {
    dims.message(1, typeof dim === 'number' ? new Message().int(1, dim) : new Message().text(2, dim))
  }
  const tensor = new Message().int(1, DATA_TYPE[type]).message(2, dims)
  return new Message().text(1, name).message(2, new Message().message(1, tensor))
}

function graph(model: OnnxModel): Message {
  const message = new Message()
  for (const item of model.nodes) message.message(1, node(item))
  message.text(2, model.name)
  for (const item of model.constants) message.message(5, constant(item))
  for (const item of model.external) message.message(5, external(item))
  for (const item of model.inputs) message.message(11, port(item))
  for (const item of model.outputs) message.message(12, port(item))
  return message
}

/** The bytes of a `.onnx` file. */
export function writeModel(model: OnnxModel): Uint8Array {
  const opset = (domain: string, version: number) => new Message().text(1, domain).int(2, version)
  return new Message()
    .int(1, IR_VERSION)
    .text(2, 'medtune')
    .message(7, graph(model))
    .message(8, opset('', OPSET))
    .message(8, opset('com.microsoft', 1))
    .finish()
}
