/** @file Step lines read from their bytes mean what they mean to JSON.parse. */
import { expect, test } from 'vitest'
import { Columns } from '../../src/track/read/columns.ts'
import { StepForm } from '../../src/track/read/step-form.ts'
import { uniform } from '../../src/util/random.ts'

/** Uniform in [0, 1), one after the other. */
function randomSource(seed: number): () => number {
  let index = 0
  return () => uniform(seed, 0, index++)
}

const bytesOf = (line: string): readonly [Buffer, number, number] => {
  // As it lies in a file: within other bytes.
  const bytes = Buffer.from(`0${line}\n9`)
  return [bytes, 1, bytes.length - 2]
}

const line = (fields: string, time = '2026-11-22T10:00:07.031Z'): string =>
  `{"time":"${time}","type":"step",${fields}}`

/** Everything that was read, in a form that tells NaN and -0 apart. */
function contents(columns: Columns): unknown {
  return {
    bad: columns.bad,
    marks: columns.marks,
    tables: [...columns.tables].map(([name, table]) => [
      name,
      [...table.columns.keys()].map((key) => [
        key,
        [...table.values(key)!].map((value) => (Object.is(value, -0) ? '-0' : String(value))),
      ]),
    ]),
  }
}

function both(lines: readonly string[]): readonly [unknown, unknown] {
  const [text, bytes] = [new Columns(), new Columns()]
  for (const one of lines) {
    text.take(one)
    bytes.takeBytes(...bytesOf(one))
  }
  return [contents(text), contents(bytes)]
}

test('numbers of every kind are the nearest doubles, as JSON.parse has them', () => {
  const random = randomSource(5)
  const numbers = [
    '0',
    '-0',
    '0.1',
    '-0.0',
    '123456789012345',
    '1234567890123456',
    '9007199254740993',
    '1e400',
  ]
  numbers.push('5e-324', '2.2250738585072011e-308', '1E3', '1e+3', '0.000000000000001', '999999999999999.9')
  for (let i = 0; i < 20_000; i++) {
    const value = (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20)
    numbers.push(String(value), value.toFixed(Math.floor(random() * 17)), value.toPrecision(15))
    numbers.push(value.toExponential(Math.floor(random() * 18)), String(Math.fround(value)))
  }
  const form = StepForm.of(line('"step":1,"loss":2'))!
  let read = 0
  for (const number of numbers) {
    expect(form.read(...bytesOf(line(`"step":3,"loss":${number}`))), number).toBe(true)
    if (Object.is(form.values[1], JSON.parse(number))) read++
  }
  expect(read).toBe(numbers.length)
  expect(form.values[0]).toBe(3)
})

test('a line of another form is not read, least of all one that JSON refuses', () => {
  const form = StepForm.of(line('"step":1,"loss":2'))!
  const fields = ['"step":1,"loss":02', '"step":1,"loss":2.', '"step":1,"loss":.5', '"step":1,"loss":-']
  fields.push('"step":1,"loss":1e', '"step":1,"loss":1e+', '"step":1,"loss":+1', '"step":1,"loss":"NaN"')
  fields.push(
    '"step":1',
    '"step":1,"loss":2,"lr":1',
    '"loss":2,"step":1',
    '"step":1, "loss":2',
    '"step":,"loss":2',
  )
  fields.push('"step":1,"loss":2}', '"step":1,"loss":2\r', '"step":1,"lo\u00dfs":2', '"step":1,"loss":--2')
  for (const one of fields) expect(form.read(...bytesOf(line(one))), one).toBe(false)
  const times = ['2026-11-22T24:00:00.000Z', '2026-11-22T10:60:00.000Z', '2026-11-22T10:00:60.000Z']
  times.push(
    '2026-13-22T10:00:00.000Z',
    '2026-11-22 10:00:00.000Z',
    '2026-11-22T10:00:00.0000',
    '2026-11-2xT1:00:00.000ZZ',
  )
  for (const time of times) expect(form.read(...bytesOf(line('"step":1,"loss":2', time))), time).toBe(false)
  // Cut off anywhere: the bytes behind it are those of another line.
  const whole = line('"step":12,"loss":3.25')
  for (let to = 0; to < whole.length; to++)
    expect(form.read(Buffer.from(whole), 0, to), String(to)).toBe(false)
  expect(form.read(...bytesOf(whole))).toBe(true)
})

test('only lines of plain numbers, each once, are learnt', () => {
  const learnt = (fields: string): boolean => StepForm.of(line(fields)) !== undefined
  expect(learnt('"step":1,"loss":2.5e-3,"grad_norm":-1')).toBe(true)
  for (const fields of [
    '"loss":2',
    '"step":1,"loss":1,"loss":2',
    '"step":1,"a\\u0062":1',
    '"step":1,"x":{"y":1}',
  ])
    expect(learnt(fields), fields).toBe(false)
  expect(learnt('"step":1,"time":5')).toBe(false)
  expect(learnt('"step":1,"loss":"NaN"')).toBe(false)
})

/** Lines of a run whose form changes now and then, with steps that come again, other events and damage. */
function stream(random: () => number): readonly string[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const value = (): string =>
    pick([String(random() * 10), '"NaN"', '0', '-0', '1e-7', String(Math.floor(random() * 1e6))])
  const damaged = (text: string): string => {
    const at = Math.floor(random() * (text.length + 1))
    const rest = text.slice(random() < 0.5 ? at : at + 1)
    return text.slice(0, at) + pick(['', '0', '"', '}', ',', '\u00e9', '-', 'e', ' ']) + rest
  }
  const names = ['loss', 'lr', 'tokens', 'seconds', 'tokens_seen', 'epoch'].filter(() => random() < 0.7)
  const others = ['', '[]', '{"type":"eval","name":"a","step":1,"scores":{"x":1}}', 'null', '{"type":"end"}']
  let step = 0
  return Array.from({ length: 120 }, () => {
    if (random() < 0.02) names.reverse()
    step = random() < 0.02 ? Math.floor(step * random()) : step + 1
    const time = new Date(Date.UTC(2026, 0, 1 + 300 * random()) + Math.floor(random() * 8e7)).toISOString()
    const text = line([`"step":${step}`, ...names.map((name) => `"${name}":${value()}`)].join(), time)
    if (random() < 0.05) return pick(others)
    return random() < 0.1 ? damaged(text) : text
  })
}

test('a step that no double holds is no step, either way', () => {
  const [text, bytes] = both(
    ['1', '2', '1e400', '3', '-1e400'].map((step) => line(`"step":${step},"loss":2`)),
  )
  expect(bytes).toEqual(text)
  expect(bytes).toMatchObject({ bad: 2 })
})

test('whole streams, damaged and changing their form, give the same columns either way', () => {
  const random = randomSource(11)
  for (let round = 0; round < 60; round++) {
    const [text, bytes] = both(stream(random))
    expect(bytes).toEqual(text)
  }
})
