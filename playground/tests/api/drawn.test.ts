// @vitest-environment node

import { afterEach, expect, test, vi } from "vitest"
import { ask } from "../../src/api/ask"
import { drawn } from "../../src/api/drawn"

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test("a request is sent, and its time begins, once the page has drawn", async () => {
  vi.useFakeTimers()
  let draw: () => void = () => {}
  const sent = vi.fn(() => Promise.reject(new TypeError("nobody is there")))
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => {
    draw = callback
  })
  vi.stubGlobal("fetch", sent)
  let endAt: number | undefined
  const question = { url: "http://127.0.0.1:9/", body: {}, key: undefined, signal: new AbortController().signal }
  const end = ask(question, {
    changed: (exchange) => {
      endAt = exchange.endAt
    },
    heard: () => {},
  })
  await vi.advanceTimersByTimeAsync(80)
  expect(sent).not.toHaveBeenCalled()
  draw()
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toHaveBeenCalledOnce()
  await end
  expect(endAt).toBeLessThan(10)
})

test("a page that nobody sees, and draws nothing, waits no longer than 100 ms", async () => {
  vi.useFakeTimers()
  vi.stubGlobal("requestAnimationFrame", () => {})
  let done = false
  void drawn().then(() => {
    done = true
  })
  await vi.advanceTimersByTimeAsync(99)
  expect(done).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toBe(true)
})
