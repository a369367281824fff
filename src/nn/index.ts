/** @file `medtune/nn`: models and adapters as graphs, and the file format of their weights. */
export { type SelfAttention, selfAttention } from './attention.ts'
export { type Checkpoint, openCheckpoint } from './checkpoint.ts'
export { frozen, fullAttachment } from './full.ts'
export { gemma3 } from './gemma3.ts'
export { type Gemma3Config, parseGemma3Config, type Rope, readConfigJson } from './gemma3-config.ts'
export { type Gemma3Layout, layOut, projections, type TakeWeight } from './gemma3-layout.ts'
export { type Building, type Projection, project } from './linear.ts'
export { type LoraOptions, type LoraPair, loraAttachment, loraPair } from './lora.ts'
export { type Mlp, mlp } from './mlp.ts'
export { norm } from './norm.ts'
export {
  readSafetensors,
  readTensor,
  type SafetensorsFile,
  type TensorData,
  writeSafetensors,
} from './safetensors.ts'
export { matchTargets, minimalTargets } from './targets.ts'
export { type Layer, transformerLayer } from './transformer.ts'
