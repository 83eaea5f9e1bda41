import { expect, test } from "vitest"
import { dataOf, readChunk } from "../../src/api/chunk"

const kindOf = (body: unknown) => readChunk(`data: ${JSON.stringify(body)}`).kind
const delta = (of: object, more: object = {}) => ({ choices: [{ index: 0, delta: of, finish_reason: null, ...more }] })

test("each frame of a chat completion has its kind", () => {
  expect(kindOf(delta({ role: "assistant" }))).toBe("start")
  expect(kindOf(delta({ role: "assistant", content: "" }))).toBe("start")
  expect(kindOf(delta({ content: "a" }))).toBe("text")
  expect(kindOf(delta({ refusal: "a" }))).toBe("text")
  expect(kindOf(delta({ reasoning_content: "a" }))).toBe("reasoning")
  expect(kindOf(delta({ reasoning: "a" }))).toBe("reasoning")
  expect(kindOf(delta({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }))).toBe("call")
  expect(kindOf(delta({}, { finish_reason: "stop" }))).toBe("finish")
  expect(kindOf({ choices: [], usage: { prompt_tokens: 1 } })).toBe("usage")
  expect(kindOf({ error: { message: "no" } })).toBe("error")
  expect(kindOf(delta({}))).toBe("other")
  expect(readChunk("data: [DONE]").kind).toBe("done")
  expect(readChunk(": ping").kind).toBe("comment")
})

test("what is none of a chat completion's frames breaks nothing", () => {
  for (const raw of ["data: {", "data: 1", "data: null", "data: []", "event: x", "id: 1", "data", "data: "]) {
    expect(readChunk(raw).kind).toBe("other")
  }
  for (const body of [{ choices: 1 }, { choices: [null] }, { choices: [{ delta: 1 }] }, delta({ content: 1 })]) {
    expect(kindOf(body)).toBe("other")
  }
  expect(kindOf(delta({ tool_calls: [1, { function: null }] }))).toBe("call")
})

test("data of several lines is joined by line ends, whatever they were", () => {
  expect(dataOf("data: a\r\ndata:b\nevent: x\rdata:  c\ndata")).toBe("a\nb\n c\n")
  expect(dataOf("event: x")).toBeUndefined()
})

test("an error frame tells what the server says of it", () => {
  const body = { error: { message: "No.\nReally.", type: "server_error", param: null, code: "program_error" } }
  expect(readChunk(`data: ${JSON.stringify(body)}`).problem).toEqual({
    message: "No.\nReally.",
    how: "failed",
    status: undefined,
    code: "program_error",
    param: undefined,
  })
})

test("of several choices the first is read, wherever it comes", () => {
  const said = (...choices: object[]) => readChunk(`data: ${JSON.stringify({ choices })}`).text
  expect(said({ index: 1, delta: { content: "b" } })).toBe("")
  expect(said({ index: 1, delta: { content: "b" } }, { index: 0, delta: { content: "a" } })).toBe("a")
  expect(said({ delta: { content: "a" } })).toBe("a")
})
