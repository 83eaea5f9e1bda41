// @vitest-environment node

import { expect, test } from "vitest"
import { KeptFrames } from "../../src/api/keeping"

function kept(sizes: readonly number[]): string {
  const frames = new KeptFrames(100)
  sizes.forEach((size, index) => {
    frames.add({ index, at: index, read: index, raw: "x".repeat(size), size, kind: "text" })
    expect(frames.list[index]?.raw.length).toBe(size) // the newest one is there, always
  })
  expect(frames.list.map(({ size }) => size)).toEqual(sizes)
  return frames.list.map(({ raw }) => (raw === "" ? "." : "x")).join("")
}

test("texts are kept up to the size from the beginning, and as much of the end", () => {
  expect(kept(Array(20).fill(10))).toBe("xxxxxxxxxxxxxxxxxxxx")
  expect(kept(Array(25).fill(10))).toBe("xxxxxxxxxx.....xxxxxxxxxx")
})

test("a text larger than all that may be kept lets the others of the end go, and goes with the next", () => {
  expect(kept([50, 60, 500])).toBe("x.x")
  expect(kept([500, 10, 10])).toBe(".xx")
})

test("what is kept is bounded, whatever the sizes are", () => {
  const frames = new KeptFrames(1000)
  for (let index = 0; index < 5000; index += 1) {
    const size = 1 + ((index * 7919) % 400)
    frames.add({ index, at: index, read: index, raw: "x".repeat(size), size, kind: "text" })
    if (index % 100 === 0) expect(frames.list.reduce((sum, { raw }) => sum + raw.length, 0)).toBeLessThanOrEqual(2000)
  }
})
