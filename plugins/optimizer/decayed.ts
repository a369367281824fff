/** @file Which parameters weight decay leaves alone: biases and norm weights, by the names the common trainers go by. */
const UNDECAYED = /bias|layernorm|rmsnorm|(^|\.)norm($|\.)|_norm($|\.)/i

/** Whether weight decay applies to the parameter `name`. */
export function decays(name: string): boolean {
  return !UNDECAYED.test(name)
}
