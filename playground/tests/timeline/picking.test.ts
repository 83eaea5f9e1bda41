import { expect, test } from "vitest"
import { rowsOf } from "../../src/timeline/marks"
import { inRead, nearest, nextStall, stepped } from "../../src/timeline/picking"
import { placeOf, Recording } from "../../src/timeline/recording"
import { framesOf, generated } from "./exchanges"

function recorded(list: Parameters<typeof framesOf>[0]): Recording {
  const recording = new Recording()
  recording.take(framesOf(list))
  return recording
}

/** Three reads: of one frame, of three, of two. */
const reads = recorded([
  { at: 10, read: 0 },
  { at: 20, read: 1 },
  { at: 20, read: 1 },
  { at: 20, read: 1 },
  { at: 30, read: 2 },
  { at: 30, read: 2 },
])
const area = { left: 0, top: 0, width: 100, height: 60, ratio: 1 }
const plot = { view: { from: 0, to: 100 }, rows: 6 }

test("frames of one read are rows upon each other", () => {
  expect([...reads.row.slice(0, 6)]).toEqual([0, 0, 1, 2, 0, 1])
  expect(rowsOf(reads, plot.view)).toBe(6)
})

test("a click means the nearest mark within reach, and nothing where none is", () => {
  expect(nearest(reads, plot, area, [20, 55], 5)).toBe(1)
  expect(nearest(reads, plot, area, [21, 36], 5)).toBe(3)
  expect(nearest(reads, plot, area, [26, 55], 5)).toBe(4)
  expect(nearest(reads, plot, area, [80, 55], 5)).toBeUndefined()
})

test("arrows go from frame to frame and stop at the ends", () => {
  expect(stepped(reads, undefined, "ArrowRight")).toBe(0)
  expect(stepped(reads, undefined, "ArrowLeft")).toBe(5)
  expect(stepped(reads, 0, "ArrowRight")).toBe(1)
  expect(stepped(reads, 5, "ArrowUp")).toBe(5)
  expect(stepped(reads, 0, "ArrowDown")).toBe(0)
  expect(stepped(reads, 3, "Home")).toBe(0)
  expect(stepped(reads, 3, "End")).toBe(5)
  expect(stepped(reads, 3, "x")).toBeUndefined()
  expect(stepped(new Recording(), undefined, "End")).toBeUndefined()
})

test("page keys go from read to read", () => {
  expect(stepped(reads, 0, "PageDown")).toBe(1)
  expect(stepped(reads, 2, "PageDown")).toBe(4)
  expect(stepped(reads, 4, "PageDown")).toBe(5)
  expect(stepped(reads, 5, "PageUp")).toBe(4)
  expect(stepped(reads, 4, "PageUp")).toBe(1)
  expect(stepped(reads, 1, "PageUp")).toBe(0)
  expect(stepped(reads, 0, "PageUp")).toBe(0)
})

test("a frame knows its place in its read", () => {
  expect([0, 1, 2, 3, 4, 5].map((place) => inRead(reads, place))).toEqual([
    [1, 1],
    [1, 3],
    [2, 3],
    [3, 3],
    [1, 2],
    [2, 2],
  ])
})

test("stalls are gone through in turn", () => {
  const stalls = [{ frame: 3 }, { frame: 8 }]
  expect(nextStall(stalls, undefined)).toBe(3)
  expect(nextStall(stalls, 3)).toBe(8)
  expect(nextStall(stalls, 8)).toBe(3)
  expect(nextStall([], 8)).toBeUndefined()
})

test("law: the place of a time is found as by looking at all frames", () => {
  const recording = new Recording()
  const frames = generated(3000)
  recording.take(frames)
  for (let time = -10; time < 12_000; time += 37) {
    const found = frames.findIndex(({ at }) => at >= time)
    expect(placeOf(recording.at, recording.length, time)).toBe(found < 0 ? frames.length : found)
  }
})
