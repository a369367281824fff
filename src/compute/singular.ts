/**
 * @file The largest singular values of a matrix with their vectors, in float64: Lanczos' method on W^T W (Golub and
 * Van Loan, Matrix Computations, 10.4), every vector kept orthogonal to all before it. A matrix that is small, or of
 * which many values are asked, is decomposed whole.
 */
import { createRequire } from 'node:module'
import type { Matrix } from 'ml-matrix'
import { uniform } from '../util/random.ts'

/** What is nearest to W of its rank is b a: b [rows, rank] is U sqrt(S), a [rank, columns] is sqrt(S) V^T. */
export interface SingularFactors {
  readonly a: Float32Array
  readonly b: Float32Array
}

/** Below this size, or where the rank is more than a fifth of it, the whole decomposition is the quicker one. */
const WHOLE_SIZE = 96
/** A Ritz pair is taken once its residual is this part of the largest eigenvalue of W^T W. */
const RESIDUAL = 1e-13
/** Steps in which a direction that the first start missed shows itself. */
const PROBE_STEPS = 24

/** @param w row-major [rows, columns] */
export function singularFactors(
  w: Float32Array,
  rows: number,
  columns: number,
  rank: number,
): SingularFactors {
  const wide = rows < columns
  const tall = wide ? transposed(w, rows, columns) : Float64Array.from(w)
  const [height, width] = wide ? [columns, rows] : [rows, columns]
  const vectors = topVectors({ values: tall, height, width }, rank)
  const [short, long] = [new Float32Array(rank * width), new Float32Array(rank * height)]
  for (let k = 0; k < rank; k++) {
    const v = vectors.subarray(k * width, (k + 1) * width)
    const image = product(tall, v, height)
    const value = norm(image)
    if (value === 0) continue
    const root = Math.sqrt(value)
    for (let i = 0; i < width; i++) short[k * width + i] = v[i]! * root
    for (let i = 0; i < height; i++) long[k * height + i] = image[i]! / root
  }
  const [left, right] = wide ? [short, long] : [long, short]
  return { a: right, b: Float32Array.from(transposed(left, rank, rows)) }
}

/** Row-major, at least as high as it is wide. */
interface Tall {
  readonly values: Float64Array
  readonly height: number
  readonly width: number
}

/** Eigenvectors [rank, width] of W^T W with the largest eigenvalues, largest first. */
function topVectors(matrix: Tall, rank: number): Float64Array {
  const { width } = matrix
  if (width <= WHOLE_SIZE || rank * 5 > width) return wholeVectors(matrix, rank)
  const basis = new Basis(matrix)
  for (let steps = 6 * rank + 48; ; steps = Math.ceil(steps * 1.3)) {
    // A basis that is nearly whole, or closed before its time, says that the matrix is not of the usual kind.
    if (steps > width / 1.5 || !basis.grow(steps)) return wholeVectors(matrix, rank)
    const found = basis.ritz(rank)
    if (found === undefined) continue
    return missed(matrix, found) ? wholeVectors(matrix, rank) : found.vectors
  }
}

interface Ritz {
  readonly vectors: Float64Array
  /** The least of the eigenvalues found. */
  readonly least: number
}

/** The Krylov space of W^T W and one vector, with the tridiagonal matrix that W^T W is in it. */
class Basis {
  readonly #matrix: Tall
  /** Orthonormal, one after another; the last one is not part of the space yet. */
  readonly #vectors: Float64Array[]
  readonly #kept: readonly Float64Array[]
  readonly diagonal: number[] = []
  readonly beside: number[] = []

  /** @param kept orthonormal vectors that the space stays clear of */
  constructor(matrix: Tall, kept: readonly Float64Array[] = []) {
    this.#matrix = matrix
    this.#kept = kept
    const start = Float64Array.from({ length: matrix.width }, (_, i) => uniform(1, 7 + kept.length, i) - 0.5)
    orthogonalise(start, kept)
    this.#vectors = [scaled(start, 1 / norm(start))]
  }

  /** Adds vectors until there are `steps`. False where the space closes before. */
  grow(steps: number): boolean {
    while (this.diagonal.length < steps) {
      const last = this.#vectors.at(-1)!
      const next = squared(this.#matrix, last)
      this.diagonal.push(dot(last, next))
      orthogonalise(next, [...this.#kept, ...this.#vectors])
      const size = norm(next)
      this.beside.push(size)
      if (size <= 1e-14 * Math.max(...this.diagonal)) return false
      this.#vectors.push(scaled(next, 1 / size))
    }
    return true
  }

  /** The `count` largest pairs, or undefined where one of them is not exact yet. */
  ritz(count: number): Ritz | undefined {
    const size = this.diagonal.length
    const { values, vectors } = eigen(tridiagonal(this.diagonal, this.beside))
    const top = Array.from({ length: count }, (_, k) => size - 1 - k)
    const largest = values[size - 1]!
    const rest = this.beside.at(-1)!
    if (top.some((k) => Math.abs(rest * vectors.get(size - 1, k)) > RESIDUAL * largest)) return undefined
    const { width } = this.#matrix
    const result = new Float64Array(count * width)
    top.forEach((k, at) => {
      const target = result.subarray(at * width, (at + 1) * width)
      for (let j = 0; j < size; j++) addScaled(target, this.#vectors[j]!, vectors.get(j, k))
    })
    return { vectors: result, least: values[size - count]! }
  }
}

/**
 * Whether a larger eigenvalue is left beside what was found. From one start Lanczos sees one vector of each
 * eigenvalue; where several share one, the others show from another start.
 */
function missed(matrix: Tall, { vectors, least }: Ritz): boolean {
  const { width } = matrix
  const found = Array.from({ length: vectors.length / width }, (_, k) =>
    vectors.subarray(k * width, (k + 1) * width),
  )
  const probe = new Basis(matrix, found)
  probe.grow(Math.min(PROBE_STEPS, width - found.length))
  const { values } = eigen(tridiagonal(probe.diagonal, probe.beside))
  return values.at(-1)! > least * (1 + 1e-9)
}

function wholeVectors({ values: w, height, width }: Tall, rank: number): Float64Array {
  const gram = Array.from({ length: width }, () => new Float64Array(width))
  for (let row = 0; row < height; row++) {
    const line = w.subarray(row * width, (row + 1) * width)
    for (let i = 0; i < width; i++) {
      const [factor, target] = [line[i]!, gram[i]!]
      for (let j = 0; j <= i; j++) target[j]! += factor * line[j]!
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) gram[j]![i] = gram[i]![j]!
  const { vectors } = eigen(gram)
  return Float64Array.from({ length: rank * width }, (_, at) =>
    vectors.get(at % width, width - 1 - Math.floor(at / width)),
  )
}

/** Loaded when it is needed: most runs never need it, and it would cost each command its time to start. */
let library: typeof import('ml-matrix') | undefined
const load = createRequire(import.meta.url)

/** Eigenvalues of a symmetric matrix, rising, and its eigenvectors as columns. */
function eigen(symmetric: readonly ArrayLike<number>[]): {
  readonly values: readonly number[]
  readonly vectors: Matrix
} {
  library ??= load('ml-matrix') as typeof import('ml-matrix')
  const matrix = new library.Matrix(symmetric as number[][])
  const { realEigenvalues, eigenvectorMatrix } = new library.EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  })
  return { values: realEigenvalues, vectors: eigenvectorMatrix }
}

function tridiagonal(diagonal: readonly number[], beside: readonly number[]): Float64Array[] {
  return diagonal.map((value, i) => {
    const row = new Float64Array(diagonal.length)
    row[i] = value
    if (i > 0) row[i - 1] = beside[i - 1]!
    if (i + 1 < row.length) row[i + 1] = beside[i]!
    return row
  })
}

/** Takes from `v` what lies in the space of orthonormal `others`; twice, which makes it exact to rounding. */
function orthogonalise(v: Float64Array, others: readonly Float64Array[]): void {
  for (let pass = 0; pass < 2; pass++) for (const other of others) addScaled(v, other, -dot(v, other))
}

/** W^T W v */
function squared({ values: w, height, width }: Tall, v: Float64Array): Float64Array {
  const result = new Float64Array(width)
  for (let row = 0; row < height; row++) {
    const line = w.subarray(row * width, (row + 1) * width)
    addScaled(result, line, dot(line, v))
  }
  return result
}

/** W v */
function product(w: Float64Array, v: Float64Array, height: number): Float64Array {
  const width = v.length
  return Float64Array.from({ length: height }, (_, row) => dot(w.subarray(row * width, (row + 1) * width), v))
}

function transposed(w: Float32Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = w[i * columns + j]!
  return result
}

function dot(a: Float64Array, b: Float64Array): number {
  let [even, odd] = [0, 0]
  const pairs = a.length - (a.length % 2)
  for (let i = 0; i < pairs; i += 2) {
    even += a[i]! * b[i]!
    odd += a[i + 1]! * b[i + 1]!
  }
  return pairs < a.length ? even + odd + a[pairs]! * b[pairs]! : even + odd
}

function addScaled(target: Float64Array, v: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += factor * v[i]!
}

function scaled(v: Float64Array, factor: number): Float64Array {
  return v.map((value) => value * factor)
}

function norm(v: Float64Array): number {
  return Math.sqrt(dot(v, v))
}
