/** @file `medtune/nn`: models and adapters as graphs, and the file format of their weights. */
export { type SelfAttention, selfAttention } from './attention.ts'
export { batchInputs } from './batch-inputs.ts'
export { type Checkpoint, openCheckpoint } from './checkpoint.ts'
export { ConfigReader, type Json, type RopeType, readConfigJson } from './config-reader.ts'
export { openDecoder, type ReadDecoder } from './decoder.ts'
export type { DecoderConfig } from './decoder-config.ts'
export { frozen, frozenFrom, fullAttachment } from './full.ts'
export { gemma3, parseGemma3Config } from './gemma3.ts'
export { type DecoderLayout, layOut, projections, type TakeWeight } from './layout.ts'
export { type Building, type Projection, project } from './linear.ts'
export { loraAttachment, loraTraining } from './lora.ts'
export type { LoraInit } from './lora-init.ts'
export { type LoraSettings, type LoraSources, type LoraTarget, loraTargets } from './lora-targets.ts'
export { type Mlp, mlp } from './mlp.ts'
export { type Norm, norm } from './norm.ts'
export { openPeftAdapter, type PeftAdapter } from './peft-adapter.ts'
export { type PeftConfig, readPeftConfig } from './peft-config.ts'
export { type Llama3Scaling, type Rope, ropeFrequencies } from './rope.ts'
export {
  readSafetensors,
  readTensor,
  type SafetensorsFile,
  type TensorData,
  writeSafetensors,
} from './safetensors.ts'
export { matchTargets, minimalTargets, shortName, type TargetFilters } from './targets.ts'
export { type Layer, transformerLayer } from './transformer.ts'
