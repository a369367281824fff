/** @file The first columns of Q and rows of R of a matrix W = Q R, with the signs that LAPACK gives them. */

/** q [rows, rank] has orthonormal columns; r [rank, columns] is q^T W. Row-major; worked out in float64. */
export interface QrFactors {
  readonly q: Float32Array
  readonly r: Float32Array
}

export function qrFactors(w: Float32Array, rows: number, columns: number, rank: number): QrFactors {
  const first = new Float64Array(rows * rank)
  for (let i = 0; i < rows; i++) for (let j = 0; j < rank; j++) first[i * rank + j] = w[i * columns + j]!
  const q = orthonormal(first, rows, rank)
  const r = new Float64Array(rank * columns)
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rank; k++) {
      const factor = q[i * rank + k]!
      for (let j = 0; j < columns; j++) r[k * columns + j]! += factor * w[i * columns + j]!
    }
  }
  return { q: Float32Array.from(q), r: Float32Array.from(r) }
}

/** By Householder's reflections. */
function orthonormal(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const r = Float64Array.from(matrix)
  const reflectors: (Float64Array | undefined)[] = []
  for (let j = 0; j < columns; j++) {
    const v = new Float64Array(rows)
    for (let i = j; i < rows; i++) v[i] = r[i * columns + j]!
    const tail = v.subarray(j + 1).reduce((sum, x) => sum + x * x, 0)
    reflectors.push(tail === 0 ? undefined : v)
    if (tail === 0) continue
    const norm = Math.sqrt(tail + v[j]! ** 2)
    v[j]! += v[j]! >= 0 ? norm : -norm
    reflect(r, v, columns)
  }
  const q = new Float64Array(rows * columns)
  for (let j = 0; j < columns; j++) q[j * columns + j] = 1
  for (const v of reflectors.reverse()) if (v) reflect(q, v, columns)
  return q
}

/** (I - 2 v v^T / v^T v) times a matrix, in place. */
function reflect(data: Float64Array, v: Float64Array, columns: number): void {
  const factor = 2 / v.reduce((sum, x) => sum + x * x, 0)
  const dots = new Float64Array(columns)
  for (let i = 0; i < v.length; i++) {
    if (v[i] === 0) continue
    for (let c = 0; c < columns; c++) dots[c]! += v[i]! * data[i * columns + c]!
  }
  for (let i = 0; i < v.length; i++) {
    if (v[i] === 0) continue
    for (let c = 0; c < columns; c++) data[i * columns + c]! -= factor * v[i]! * dots[c]!
  }
}
