/** @file Columns that were read lately: whoever looks at one metric of some runs looks at the next over the same steps. */

/** Bytes held at most. */
const MOST = 40e6

export class RecentColumns {
  private readonly columns = new Map<string, Promise<Float64Array>>()
  private readonly sizes = new Map<string, number>()
  private total = 0

  /** The column of this key, read once; whoever gets it must not change it. */
  get(key: string, read: () => Promise<Float64Array>): Promise<Float64Array> {
    const found = this.columns.get(key) ?? this.add(key, read())
    // The one used last stands last: the first is the first to go.
    this.columns.delete(key)
    this.columns.set(key, found)
    return found
  }

  private add(key: string, column: Promise<Float64Array>): Promise<Float64Array> {
    column.then(
      ({ byteLength }) => {
        if (this.columns.get(key) !== column) return
        this.sizes.set(key, byteLength)
        this.total += byteLength
        this.makeRoom()
      },
      () => this.columns.delete(key),
    )
    return column
  }

  private makeRoom(): void {
    for (const key of this.columns.keys()) {
      if (this.total <= MOST) return
      this.total -= this.sizes.get(key) ?? 0
      this.sizes.delete(key)
      this.columns.delete(key)
    }
  }
}
