// @vitest-environment node

import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { pause } from "../../src/api/pause"

test("a pause that is over leaves nothing at its signal, however many there were", async () => {
  const { signal } = new AbortController()
  const start = performance.now()
  for (let turn = 0; turn < 3; turn += 1) await pause(20, signal)
  expect(performance.now() - start).toBeGreaterThan(55)
  expect(getEventListeners(signal, "abort")).toHaveLength(0)
})

test("a pause ends with its signal, also with one that has ended before", async () => {
  const end = new AbortController()
  const paused = pause(60_000, end.signal)
  end.abort()
  await paused
  await pause(60_000, end.signal)
  expect(getEventListeners(end.signal, "abort")).toHaveLength(0)
})
