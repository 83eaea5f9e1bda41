import { expect, test } from "vitest"
import type { Frame } from "../../src/api/frame"
import { figuresOf } from "../../src/timeline/figures"
import { isToken } from "../../src/timeline/kinds"
import { Recording } from "../../src/timeline/recording"
import { framesOf, generated, type Said } from "./exchanges"

function figures(frames: readonly Frame[], headAt?: number, endAt?: number) {
  const recording = new Recording()
  recording.take(frames)
  return figuresOf(recording, headAt, endAt)
}

const said = (list: readonly Said[]) => figures(framesOf(list))

test("an exchange without frames has no figures but its head and its end", () => {
  expect(figures([])).toMatchObject({ frames: 0, reads: 0, bytes: 0, tokens: 0, counted: "frames", stalls: [] })
  expect(figures([]).duration).toBeUndefined()
  expect(figures([], 12).duration).toBe(12)
  expect(figures([], 12, 30)).toMatchObject({ head: 12, duration: 30 })
  for (const name of ["firstToken", "rate", "p50", "p99"] as const) expect(figures([])[name]).toBeUndefined()
})

test("the first token is the first frame of text, reasoning or a call, and no other", () => {
  for (const kind of ["text", "reasoning", "call"] as const) {
    const before = ["comment", "start", "other"] as const
    const frames = before.map((kind, place) => ({ at: place + 1, kind }))
    expect(said([...frames, { at: 20, kind }, { at: 30 }]).firstToken).toBe(20)
  }
  expect(
    said([
      { at: 5, kind: "comment" },
      { at: 9, kind: "error" },
    ]).firstToken,
  ).toBeUndefined()
})

test("tokens a second are counted by frames between the first and the last token, the first not counted", () => {
  const result = said([{ at: 1000 }, { at: 1100 }, { at: 1500 }, { at: 9000, kind: "done" }])
  expect(result).toMatchObject({ rate: 4, tokens: 3, counted: "frames" })
})

test("where the usage says the tokens, its last word counts", () => {
  const usage = (tokens: unknown) => ({
    at: 2000,
    kind: "usage" as const,
    raw: `data: {"usage": {"completion_tokens": ${JSON.stringify(tokens)}}}`,
  })
  expect(said([{ at: 1000 }, { at: 1500 }, usage(7), usage(11)])).toMatchObject({
    rate: 20,
    tokens: 11,
    counted: "usage",
  })
  expect(said([{ at: 1000 }, { at: 1500 }, usage("many")])).toMatchObject({ rate: 2, counted: "frames" })
  expect(said([{ at: 1000 }, { at: 1500 }, usage(-1)])).toMatchObject({ counted: "frames" })
  expect(said([{ at: 1000 }, { at: 1500 }, { at: 1, kind: "usage", raw: "data: {" }])).toMatchObject({
    counted: "frames",
  })
})

test("one token, or many in one read, have no rate", () => {
  expect(said([{ at: 5 }]).rate).toBeUndefined()
  expect(said([{ at: 5, read: 0 }, { at: 5, read: 0 }]).rate).toBeUndefined() // biome-ignore format: one line
})

test("gaps are between token frames alone, and 0 within a read", () => {
  const list = [{ at: 0 }, { at: 10, kind: "comment" as const }, { at: 30, read: 7 }, { at: 30, read: 7 }, { at: 31 }]
  expect(said(list)).toMatchObject({ p50: 1, p99: 30 })
})

test("a gap of 100 ms that is five times the median is a stall, a shorter one is none", () => {
  const times = [0, 10, 20, 120, 130, 229, 240]
  const { stalls } = said(times.map((at) => ({ at })))
  expect(stalls).toEqual([{ from: 20, to: 120, frame: 3 }])
  expect(said([0, 90, 180, 580, 1029].map((at) => ({ at }))).stalls).toEqual([]) // five times 90 is more
})

test("reads count once each, and bytes are those of all frames", () => {
  const frames = framesOf([
    { at: 1, read: 3 },
    { at: 1, read: 3 },
    { at: 2, read: 5, kind: "comment", raw: ": still here" },
  ])
  expect(figures(frames)).toMatchObject({ frames: 3, reads: 2, bytes: 16 + 16 + 14 })
})

test("the duration is the end's time, and until then the last frame's", () => {
  const frames = framesOf([{ at: 10 }, { at: 30 }])
  expect(figures(frames).duration).toBe(30)
  expect(figures(frames, 1, 44).duration).toBe(44)
})

test("law: figures are the same however the frames are taken", () => {
  const frames = generated(5000)
  const recording = new Recording()
  for (let end = 1; end <= frames.length + 700; end += 701) recording.take(frames.slice(0, end))
  recording.take(frames)
  recording.take(frames)
  expect(figuresOf(recording, 3, undefined)).toEqual(figures(frames, 3))
})

test("law: figures equal those of a plain reckoning over all frames", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const frames = generated(2500, seed)
    const tokens = frames.filter(({ kind }) => isToken(kind)).map(({ at }) => at)
    const gaps = tokens.slice(1).map((at, place) => at - (tokens[place] as number))
    const sorted = gaps.toSorted((one, other) => one - other)
    const result = figures(frames)
    expect(result.p50).toBe(sorted[Math.ceil(gaps.length * 0.5) - 1])
    expect(result.p99).toBe(sorted[Math.ceil(gaps.length * 0.99) - 1])
    expect(result.reads).toBe(new Set(frames.map(({ read }) => read)).size)
    expect(result.stalls.length).toBe(gaps.filter((gap) => gap >= Math.max(100, 5 * (result.p50 as number))).length)
    expect(result.rate).toBeCloseTo((1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0), 6)
  }
})

test("law: time that is shifted shifts the times and leaves gaps and rates", () => {
  const frames = generated(800, 9)
  const later = frames.map((frame) => ({ ...frame, at: frame.at + 1024 }))
  const [before, after] = [figures(frames), figures(later)]
  expect(after.firstToken).toBeCloseTo((before.firstToken as number) + 1024, 6)
  for (const name of ["p50", "p99", "rate"] as const) expect(after[name]).toBeCloseTo(before[name] as number, 6)
})

test("a hundred thousand frames are measured in a few ms", () => {
  const recording = new Recording()
  recording.take(generated(100_000))
  figuresOf(recording, 1, 2)
  const began = performance.now()
  for (let turn = 0; turn < 10; turn += 1) figuresOf(recording, 1, 2)
  expect((performance.now() - began) / 10).toBeLessThan(50) // about 3 ms; the limit is for a loaded machine
})
