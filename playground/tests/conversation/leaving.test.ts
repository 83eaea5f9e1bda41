import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { Conversation } from "../../src/conversation/conversation"
import type { Answered, Item } from "../../src/conversation/items"
import { keepAgainstLeaving } from "../../src/conversation/leaving"
import { answered, hear } from "./answers"
import { Memory, safe } from "./kept"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A conversation in which an answer is being said. */
function speaking() {
  const storage = new Memory()
  const manner = () => ({ system: "", fields: {}, url: "http://127.0.0.1:1/", key: undefined })
  const conversation = new Conversation(manner, safe(storage))
  const answer = answered("speaking", { content: "one " })
  const items: Item[] = [{ is: "asked", id: "a", text: "hi", images: [] }, answer]
  for (const pane of conversation.all.slice(0, 1)) pane.items.value = items
  const kept = () => {
    const again = new Conversation(manner, safe(storage)).all[0]?.latest.value
    return again && String(again.fold.reply.text)
  }
  return { conversation, answer: answer as Answered, kept }
}

test("what is being said is kept every few seconds, and when the page is hidden or left", () => {
  const { conversation, answer, kept } = speaking()
  const end = keepAgainstLeaving(conversation)
  expect(kept()).toBeUndefined()
  vi.advanceTimersByTime(5000)
  expect(kept()).toBe("one ")
  hear(answer, { content: "two " })
  document.dispatchEvent(new Event("visibilitychange"))
  expect(kept()).toBe("one ") // it is seen still
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden")
  document.dispatchEvent(new Event("visibilitychange"))
  expect(kept()).toBe("one two ")
  hear(answer, { content: "three" })
  window.dispatchEvent(new Event("pagehide"))
  expect(kept()).toBe("one two three")
  end()
})

test("who leaves stops what is being said", () => {
  const { conversation } = speaking()
  const stop = vi.spyOn(conversation, "stop")
  const end = keepAgainstLeaving(conversation)
  window.dispatchEvent(new Event("pagehide"))
  expect(stop).toHaveBeenCalledOnce()
  end()
  window.dispatchEvent(new Event("pagehide"))
  expect(stop).toHaveBeenCalledOnce()
})

test("what is whole is not kept anew", () => {
  const { conversation, answer, kept } = speaking()
  answer.phase.value = "whole"
  const end = keepAgainstLeaving(conversation)
  vi.advanceTimersByTime(20_000)
  expect(kept()).toBeUndefined()
  end()
})
