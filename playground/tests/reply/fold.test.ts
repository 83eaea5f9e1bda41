import { expect, test } from "vitest"
import { readChunk } from "../../src/api/chunk"
import { Fold } from "../../src/reply/fold"
import { Pieces } from "../../src/reply/pieces"

function folded(...deltas: object[]) {
  const fold = new Fold()
  for (const delta of deltas) fold.add(readChunk(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}`))
  return fold
}

test("texts and thoughts are joined in their order, each by themselves", () => {
  const { reply } = folded(
    { role: "assistant" },
    { reasoning_content: "Hm", reasoning: "Hm" },
    { reasoning_content: "." },
    { content: "He" },
    { content: "llo" },
  )
  expect(String(reply.reasoning)).toBe("Hm.")
  expect(String(reply.text)).toBe("Hello")
})

test("a refusal is text", () => {
  expect(String(folded({ refusal: "No." }).reply.text)).toBe("No.")
})

test("calls grow by their index, also in turns, and keep the id and name of their first piece", () => {
  const piece = (index: number, args: string, head = {}) => ({
    tool_calls: [{ index, ...head, function: { ...("id" in head ? { name: `f${index}` } : {}), arguments: args } }],
  })
  const { reply } = folded(
    piece(0, "", { id: "a", type: "function" }),
    piece(1, "[", { id: "b", type: "function" }),
    piece(0, '{"x":'),
    piece(1, "]"),
    piece(0, "1}"),
  )
  expect(reply.calls.map((call) => [call.id, call.name, String(call.arguments)])).toEqual([
    ["a", "f0", '{"x":1}'],
    ["b", "f1", "[]"],
  ])
})

test("a custom tool's input grows like arguments", () => {
  const { reply } = folded({ tool_calls: [{ index: 0, id: "a", type: "custom", custom: { name: "sh", input: "ls" } }] })
  expect(reply.calls[0]).toMatchObject({ id: "a", name: "sh", custom: true })
  expect(String(reply.calls[0]?.arguments)).toBe("ls")
})

test("the reason to finish and the usage stay once they are said", () => {
  const fold = folded({ content: "a" })
  fold.add(readChunk('data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}'))
  fold.add(readChunk('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'))
  fold.add(readChunk("data: [DONE]"))
  expect(fold.reply.finish).toBe("length")
  expect(fold.reply.usage).toEqual({ input: 1, output: 2, total: 3 })
})

test("a reader of pieces takes each of them once", () => {
  const pieces = new Pieces()
  pieces.append("a")
  pieces.append("")
  const place = pieces.count
  pieces.append("b")
  pieces.append("c")
  expect([pieces.since(0), pieces.since(place), pieces.since(pieces.count)]).toEqual(["abc", "bc", ""])
  expect([String(pieces), pieces.length]).toEqual(["abc", 3])
})

test("the beginning of a text is taken without the rest", () => {
  const pieces = new Pieces()
  expect(pieces.start(3)).toBe("")
  for (const part of ["ab", "cd", "ef"]) pieces.append(part)
  expect([0, 2, 3, 6, 9].map((most) => pieces.start(most))).toEqual(["", "ab", "abc", "abcdef", "abcdef"])
})
