/** @file The 16-bit float formats that weights are stored in, to and from float32. */

/** One bfloat16 pattern as a number: the upper half of a float32. */
export function bf16ToF32(source: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length)
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16
}

/** Rounds to nearest, ties to even. A NaN stays a (quiet) NaN: plain rounding could carry it into infinity. */
export function f32ToBf16(source: Float32Array, target: Uint16Array): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length)
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!
    const nan = (b & 0x7fffffff) > 0x7f800000
    target[i] = nan ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16
  }
}

const F16_SUBNORMAL = 2 ** -24

/** IEEE half precision, subnormals, infinities and NaN included. */
export function f16ToF32(source: Uint16Array, target: Float32Array): void {
  for (let i = 0; i < source.length; i++) {
    const half = source[i]!
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) target[i] = sign * fraction * F16_SUBNORMAL
    else if (exponent === 31) target[i] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
    else target[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
}
