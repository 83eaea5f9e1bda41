import { expect, test } from "vitest"
import { type Cut, Splitter } from "../../src/api/split"

const encoder = new TextEncoder()

function split(...reads: (string | Uint8Array)[]): Cut[] {
  const splitter = new Splitter()
  return reads.flatMap((read) => splitter.push(typeof read === "string" ? encoder.encode(read) : read))
}

const raws = (cuts: Cut[]) => cuts.map((cut) => cut.raw)

test("several frames of one read come apart", () => {
  expect(split("data: a\n\ndata: b\n\n")).toEqual([
    { raw: "data: a", size: 9 },
    { raw: "data: b", size: 9 },
  ])
})

test("what is not ended is no frame", () => {
  expect(split("data: a\n", "data: b")).toEqual([])
})

test("a comment is a frame", () => {
  expect(raws(split(": ping\n\n"))).toEqual([": ping"])
})

for (const [name, end] of [
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
]) {
  const whole = encoder.encode([": é", "", "event: x", "data: 1 — 😀", "data: 2", "", "data: [DONE]", "", ""].join(end))

  test(`with ${name}, frames are the same wherever a read is cut, and hold all bytes`, () => {
    const expected = [": é", `event: x${end}data: 1 — 😀${end}data: 2`, "data: [DONE]"]
    for (let first = 0; first <= whole.length; first += 1) {
      for (let second = first; second <= whole.length; second += 1) {
        const cuts = split(whole.subarray(0, first), whole.subarray(first, second), whole.subarray(second))
        expect(raws(cuts)).toEqual(expected)
        const sizes = cuts.reduce((sum, cut) => sum + cut.size, 0)
        // An LF that comes alone after the last CR of all belongs to no frame any more.
        expect(whole.length - sizes).toBeLessThanOrEqual(name === "CRLF" ? 1 : 0)
      }
    }
  })
}

test("empty lines that end nothing are no frames, and count to the next one", () => {
  expect(split("\n\n\ndata: a\n\n\n\n", "data: b\n\n")).toEqual([
    { raw: "data: a", size: 12 },
    { raw: "data: b", size: 11 },
  ])
})

test("a byte order mark at the start is no part of the first frame", () => {
  expect(raws(split("\uFEFFdata: a\n\ndata: b\n\n"))).toEqual(["data: a", "data: b"])
})
