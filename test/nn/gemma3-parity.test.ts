/** @file The graph of a Gemma 3 and its adapter, against what transformers and PEFT computed (test/reference/gemma3_fixture.py). */
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { gemma3 } from '../../src/nn/index.ts'
import { itComputesAlike } from '../helpers/parity.ts'

describe.each([
  { name: 'grouped', targets: 'all-linear', adapted: 49 },
  { name: 'old-keys', targets: ['q_proj', 'v_proj'], adapted: 12 },
])('Gemma 3 "$name" as transformers computes it', ({ name, targets, adapted }) => {
  const folder = fileURLToPath(new URL(`../fixtures/gemma3-tiny/${name}`, import.meta.url))
  itComputesAlike({ folder, open: gemma3, targets, adapted })
})
