/** @file `medtune/compute/onnx`: the onnxruntime executor. Importing it loads no native library; its worker does. */
export { OnnxExecutor } from './executor.ts'
export { type LoweredProgram, lower } from './lower.ts'
export { type ProgramMemory, programMemory } from './memory.ts'
export type { SessionSettings } from './protocol.ts'
