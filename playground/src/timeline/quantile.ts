/** Quantiles of many numbers without sorting them all: the timeline asks for two of them ten times a second. */

/**
 * The values at the ranks that `shares` (ascending, each in 0..1) name, by the nearest rank: for a share q of n values
 * the smallest value that at least q * n of them do not exceed. So it is always one of the values. Takes time in
 * proportion to n, and leaves `values` as they are. Without values there are no quantiles.
 */
export function quantiles(values: Float64Array, shares: readonly number[]): (number | undefined)[] {
  const copy = values.slice()
  let from = 0
  return shares.map((share) => {
    if (copy.length === 0) return undefined
    const rank = Math.min(copy.length - 1, Math.max(0, Math.ceil(share * copy.length) - 1))
    select(copy, rank, from)
    from = rank
    return copy[rank]
  })
}

/** Moves the value of this rank to its place, smaller ones before it and larger ones behind; `from` on are unsorted. */
function select(values: Float64Array, rank: number, from: number): void {
  let low = from
  let high = values.length - 1
  while (low < high) {
    const [left, right] = partition(values, low, high)
    if (rank <= right) high = right
    else if (rank >= left) low = left
    else return
  }
}

/** Hoare's partition about the median of three; both scans stop at equal values, so that many of them cost no more. */
function partition(values: Float64Array, low: number, high: number): [left: number, right: number] {
  const pivot = medianOfThree(at(values, low), at(values, (low + high) >> 1), at(values, high))
  let left = low
  let right = high
  while (left <= right) {
    while (at(values, left) < pivot) left += 1
    while (at(values, right) > pivot) right -= 1
    if (left <= right) {
      const held = at(values, left)
      values[left] = at(values, right)
      values[right] = held
      left += 1
      right -= 1
    }
  }
  return [left, right]
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

function at(values: Float64Array, index: number): number {
  return values[index] as number
}
