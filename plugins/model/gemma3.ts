/** @file Gemma 3 text models: 270M, 1B, and any other size of the family. */
import { MODEL_OPTIONS, modelSource } from 'medtune/data'
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'model',
  name: 'gemma3',
  summary: 'A Gemma 3 text model: safetensors weights, config.json and tokenizer.json.',
  options: MODEL_OPTIONS,
  create: (options, context) =>
    modelSource(options, context, async (folder) => (await import('medtune/nn')).gemma3(folder)),
})
