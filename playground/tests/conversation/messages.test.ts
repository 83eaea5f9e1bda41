import { expect, test } from "vitest"
import type { Asked, Results } from "../../src/conversation/items"
import { messagesOf } from "../../src/conversation/messages"
import { answered, call } from "./answers"

const asked = (text: string, images: string[] = []): Asked => ({ is: "asked", id: text, text, images })
const results = (of: Record<string, string>): Results => ({ is: "results", id: "r", of })

test("what was said becomes messages in its order, the system message first", () => {
  expect(messagesOf("Be brief.", [asked("a"), answered("whole", { content: "b" }), asked("c")])).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: "c" },
  ])
  expect(messagesOf("  ", [])).toEqual([])
})

test("pictures are parts beside the text, or alone", () => {
  const part = { type: "image_url", image_url: { url: "data:x" } }
  expect(messagesOf("", [asked("a", ["data:x"]), asked("", ["data:x"])])).toEqual([
    { role: "user", content: [{ type: "text", text: "a" }, part] },
    { role: "user", content: [part] },
  ])
})

test("calls go with the results of each of them", () => {
  const answer = answered("whole", call(0, "x", "f", '{"a":1}'), call(1, "y", "g", ""))
  expect(messagesOf("", [asked("a"), answer, results({ 0: "1", 1: "" })]).slice(1)).toEqual([
    {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "x", type: "function", function: { name: "f", arguments: '{"a":1}' } },
        { id: "y", type: "function", function: { name: "g", arguments: "" } },
      ],
    },
    { role: "tool", tool_call_id: "x", content: "1" },
    { role: "tool", tool_call_id: "y", content: "" },
  ])
})

test("calls of one id have a result each, and what was answered to one of two goes to that one", () => {
  const answer = answered("whole", call(0, "x", "f", "{}"), call(1, "x", "g", "{}"))
  const told = (of: Record<number, string>) =>
    messagesOf("", [asked("a"), answer, results(of)]).filter((message) => message.role === "tool")
  expect(told({ 0: "1", 1: "2" }).map((message) => message.content)).toEqual(["1", "2"])
  expect(told({ 1: "2" }).map((message) => message.content)).toEqual(["2"])
})

test("a custom tool's call is spelt as one", () => {
  const answer = answered("whole", { tool_calls: [{ index: 0, id: "x", custom: { name: "sh", input: "ls" } }] })
  expect(messagesOf("", [asked("a"), answer, results({ 0: "1" })])[1]).toEqual({
    role: "assistant",
    content: null,
    tool_calls: [{ id: "x", type: "custom", custom: { name: "sh", input: "ls" } }],
  })
})

test("calls that nobody answered are left out, and so are empty answers", () => {
  const both = answered("whole", { content: "Let me see." }, call(0, "x", "f", "{}"))
  expect(messagesOf("", [asked("a"), both, asked("b"), answered("failed"), asked("c")])).toEqual([
    { role: "user", content: "a" },
    { role: "assistant", content: "Let me see." },
    { role: "user", content: "b" },
    { role: "user", content: "c" },
  ])
})
