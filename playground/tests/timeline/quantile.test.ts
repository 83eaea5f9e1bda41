import { expect, test } from "vitest"
import { quantiles } from "../../src/timeline/quantile"
import { seeded } from "./exchanges"

function bySorting(values: Float64Array, share: number): number | undefined {
  const sorted = values.slice().sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

const SHARES = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]

test("quantiles are those of the sorted values, whatever their order and however many are equal", () => {
  const random = seeded(7)
  for (const length of [1, 2, 3, 4, 5, 10, 99, 100, 101, 1000]) {
    for (const distinct of [1, 2, 10, 1e9]) {
      const values = Float64Array.from({ length }, () => Math.floor(random() * distinct))
      for (const order of [values, values.slice().sort(), values.slice().sort().reverse()]) {
        const kept = order.slice()
        expect(quantiles(order, SHARES)).toEqual(SHARES.map((share) => bySorting(order, share)))
        expect(order).toEqual(kept)
      }
    }
  }
})

test("without values there are no quantiles", () => {
  expect(quantiles(new Float64Array(0), [0.5, 0.99])).toEqual([undefined, undefined])
})

test("a million values, sorted, equal or in waves, take time in proportion to their number", () => {
  const length = 1_000_000
  const shapes = [
    Float64Array.from({ length }, (_, place) => place),
    new Float64Array(length),
    Float64Array.from({ length }, (_, place) => place % 1000),
    Float64Array.from({ length }, (_, place) => Math.min(place, length - place)),
  ]
  const began = performance.now()
  for (const values of shapes) quantiles(values, [0.5, 0.99])
  expect(performance.now() - began).toBeLessThan(4000) // about 100 ms; a square would take hours
})
