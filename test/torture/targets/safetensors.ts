/** @file Files of tensors: header and data, damaged, then read as a file, as a model and as an adapter. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { gemma3 } from '../../../src/nn/gemma3.ts'
import { openPeftAdapter } from '../../../src/nn/peft-adapter.ts'
import { readSafetensors, readTensor } from '../../../src/nn/safetensors.ts'
import { mutate, mutations } from '../mutate.ts'
import type { Target } from '../target.ts'

const FIXTURE = fileURLToPath(new URL('../../fixtures/gemma3-tiny/old-keys', import.meta.url))
const FILES = [
  'model.safetensors',
  'config.json',
  'adapter/adapter_model.safetensors',
  'adapter/adapter_config.json',
]
const TOKENS = [
  '"dtype":"F32"',
  '"dtype":"I64"',
  '"F4"',
  '"shape":[0]',
  '"shape":[2,2]',
  '"shape":[]',
  '"data_offsets":[0,0]',
  '"data_offsets":[8,4]',
  '[18446744073709551615,1]',
  '"__metadata__":{"a":1}',
  '"__metadata__":{},',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  'r',
  '"r": 0',
  '"target_modules": ".*"',
  '"target_modules": "((a+)+)+$"',
  '"hidden_size": 1e9',
  '"num_hidden_layers": 4294967296',
]

const target: Target<{ file: string; head: boolean; list: Parameters<typeof mutate>[1] }> = {
  async open(folder) {
    cpSync(FIXTURE, folder, { recursive: true })
    const originals = new Map(FILES.map((name) => [name, readFileSync(join(FIXTURE, name))]))
    const whole = await gemma3(FIXTURE)
    return {
      cases: fc.record({ file: fc.constantFrom(...FILES), head: fc.boolean(), list: mutations(TOKENS) }),
      async attempt({ file, head, list }) {
        const original = originals.get(file)!
        writeFileSync(join(folder, file), damaged(original, head && file.endsWith('.safetensors'), list))
        try {
          if (file.endsWith('.safetensors')) await readAll(join(folder, file))
          if (file.startsWith('adapter')) openPeftAdapter(join(folder, 'adapter'), whole)
          else await gemma3(folder)
          return false
        } finally {
          writeFileSync(join(folder, file), original)
        }
      },
    }
  },
}
export default target

/** The whole file, or only its header, whose length is then set right again: such a file gets further. */
function damaged(bytes: Buffer, head: boolean, list: Parameters<typeof mutate>[1]): Buffer {
  if (!head) return mutate(bytes, list)
  const length = Number(bytes.readBigUInt64LE())
  const header = mutate(bytes.subarray(8, 8 + length), list)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([size, header, bytes.subarray(8 + length)])
}

async function readAll(file: string): Promise<void> {
  for (const slice of readSafetensors(file).tensors.values()) await readTensor(slice)
}
