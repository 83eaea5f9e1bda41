// @vitest-environment node

import { expect, test } from "vitest"
import { Draft } from "../../src/conversation/draft"
import { Memory, safe } from "./kept"

test("what is written is there again after a reload, until it is sent", () => {
  const storage = new Memory()
  const draft = new Draft(safe(storage))
  draft.text.value = "How d"
  expect(new Draft(safe(storage)).text.value).toBe("How d")
  draft.text.value = ""
  expect(storage.length).toBe(0)
})

test("what is too long to be kept leaves nothing older behind, and a browser that keeps nothing is no hindrance", () => {
  const storage = new Memory()
  const draft = new Draft(safe(storage))
  draft.text.value = "short"
  draft.text.value = "x".repeat(200_001)
  expect(storage.length).toBe(0)
  storage.room = 0
  draft.text.value = "more"
  expect([draft.text.value, storage.length]).toEqual(["more", 0])
})
