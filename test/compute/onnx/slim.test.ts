import { expect, test } from 'vitest'
import type { OnnxNode, OnnxPort } from '../../../src/compute/onnx/rule.ts'
import { slimmed } from '../../../src/compute/onnx/slim.ts'

const node = (
  type: string,
  inputs: string[],
  outputs: string[],
  attrs: OnnxNode['attrs'] = {},
): OnnxNode => ({
  type,
  domain: '',
  inputs,
  outputs,
  attrs,
})
const port = (name: string): OnnxPort => ({ name, type: 'f32', shape: [] })
const lines = (nodes: readonly OnnxNode[]): string[] =>
  nodes.map(({ type, inputs, outputs }) => `${outputs} = ${type}(${inputs})`)

test('a reshape reads what the reshapes before it read', () => {
  const chain = [
    node('Neg', ['x'], ['a']),
    node('Reshape', ['a', 's1'], ['b']),
    node('Reshape', ['b', 's2'], ['c']),
    node('Reshape', ['c', 's3'], ['d']),
    node('Mul', ['b', 'd'], ['y']),
  ]
  expect(lines(slimmed(chain, [port('y')]))).toEqual([
    'a = Neg(x)',
    'b = Reshape(a,s1)',
    'c = Reshape(a,s2)',
    'd = Reshape(a,s3)',
    'y = Mul(b,d)',
  ])
})

test('an output takes its name from the node that makes it, but never from an input or twice', () => {
  const graph = [
    node('Neg', ['x'], ['a']),
    node('Abs', ['a'], ['b']),
    node('Identity', ['a'], ['out a']),
    node('Identity', ['a'], ['out again']),
    node('Identity', ['x'], ['out x']),
  ]
  const ports = ['out a', 'out again', 'out x'].map(port)
  expect(lines(slimmed(graph, ports))).toEqual([
    'out a = Neg(x)',
    'b = Abs(out a)',
    'out again = Identity(out a)',
    'out x = Identity(x)',
  ])
})

test('names that a body may read stay as they are', () => {
  const body = { name: 'b', nodes: [], constants: [], inputs: [], outputs: [] }
  const graph = [
    node('Neg', ['x'], ['a']),
    node('Scan', ['x'], ['s'], { body: { graph: body } }),
    node('Identity', ['a'], ['out a']),
  ]
  expect(lines(slimmed(graph, [port('out a')]))).toEqual(lines(graph))
})
