import { signal } from "@preact/signals"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Exchange, Frame } from "../../src/api/frame"
import { follow, type Sight } from "../../src/timeline/pacing"
import { exchangeOf, framesOf } from "./exchanges"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function watch(exchange: Exchange | undefined) {
  const seen: (Sight | undefined)[] = []
  const held = signal(exchange)
  const stop = follow(held, (sight) => seen.push(sight))
  return { seen, held, stop }
}

const open = (frames: Frame[]) => exchangeOf(frames, { outcome: "streaming", endAt: undefined })

test("a growing exchange is looked at once in 100 ms, however often it is told of", () => {
  const frames = framesOf([{ at: 1 }])
  const { seen, held } = watch(open(frames))
  for (let told = 0; told < 1000; told += 1) {
    frames.push(...framesOf([{ at: told }]))
    held.value = { ...open(frames) }
    vi.advanceTimersByTime(1)
  }
  expect(seen.length).toBeGreaterThanOrEqual(9)
  expect(seen.length).toBeLessThanOrEqual(11)
  expect(seen.at(-1)?.figures.frames).toBeGreaterThan(900)
})

test("the end is seen at once, and then nothing is looked at any more", () => {
  const frames = framesOf([{ at: 1 }])
  const { seen, held } = watch(open(frames))
  frames.push(...framesOf([{ at: 2, kind: "done" }]))
  held.value = exchangeOf(frames)
  expect(seen.at(-1)?.figures.frames).toBe(2)
  const looks = seen.length
  vi.advanceTimersByTime(10_000)
  expect(seen.length).toBe(looks)
})

test("another exchange is recorded anew", () => {
  const { seen, held } = watch(exchangeOf(framesOf([{ at: 1 }, { at: 2 }])))
  held.value = exchangeOf(framesOf([{ at: 5 }]))
  expect(seen.map((sight) => sight?.figures.frames)).toEqual([2, 1])
  held.value = undefined
  expect(seen.at(-1)).toBeUndefined()
})

test("a look that took long is followed by a longer pause", () => {
  const held = signal<Exchange | undefined>(open([]))
  let looks = 0
  follow(held, () => {
    looks += 1
    vi.advanceTimersByTime(50) // the time that it took
  })
  vi.advanceTimersByTime(1900)
  expect(looks).toBe(1)
  vi.advanceTimersByTime(200)
  expect(looks).toBe(2)
})

test("what was stopped looks no more", () => {
  const { seen, held, stop } = watch(open([]))
  stop()
  held.value = exchangeOf([])
  vi.advanceTimersByTime(1000)
  expect(seen.length).toBe(1)
})
