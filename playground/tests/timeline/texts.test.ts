import { expect, test } from "vitest"
import { excerpt } from "../../src/api/excerpt"
import { duration, rate, size } from "../../src/timeline/numbers"
import { pretty } from "../../src/timeline/pretty"

test("times have a unit that suits them, and never a thousand of the lesser", () => {
  const times = [0, 0.42, 9.99, 9.996, 12.34, 99.96, 421, 999.4, 999.6, 3210, 9996, 42_000, 59_960, 125_000]
  expect(times.map(duration)).toEqual(
    "0.00 ms,0.42 ms,9.99 ms,10.0 ms,12.3 ms,100 ms,421 ms,999 ms,1.00 s,3.21 s,10.0 s,42.0 s,1 min 0 s,2 min 5 s".split(
      ",",
    ),
  )
})

test("sizes and rates have, too", () => {
  expect([0, 999, 1000, 999_949, 1_000_000].map(size)).toEqual(["0 B", "999 B", "1.0 kB", "999.9 kB", "1.00 MB"])
  expect([7.46, 99.9, 1234.4].map(rate)).toEqual(["7.5", "99.9", "1,234"])
})

test("JSON is laid out, and other data left", () => {
  expect(pretty('data: {"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(pretty("data: [DONE]")).toBeUndefined()
  expect(pretty(": hi")).toBeUndefined()
  expect(pretty(`data: "${"x".repeat(300_000)}"`)).toBeUndefined()
})

test("a long text is cut in its middle, and says by how much", () => {
  expect(excerpt("x".repeat(20_000))).toBe("x".repeat(20_000))
  const cut = excerpt(`begin${"x".repeat(5_000_000)}end`)
  expect(cut.length).toBeLessThan(21_000)
  expect(cut).toMatch(/^beginx+\n… 4,980,008 characters are not shown …\nx+end$/)
})
