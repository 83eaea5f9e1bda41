import { expect, test } from "vitest"
import type { Answered, Asked, Item } from "../../src/conversation/items"
import { read, written } from "../../src/conversation/keeping"
import { messagesOf } from "../../src/conversation/messages"
import { answered, call } from "./answers"

const asked = (text: string, images: string[] = []): Asked => ({ is: "asked", id: text, text, images })

test("what was kept is read again, but for its pictures", () => {
  const items: Item[] = [
    asked("a", ["data:x"]),
    answered("whole", { reasoning: "Hm" }, { content: "b" }, call(0, "x", "f", "{}")),
    { is: "results", id: "r", of: { 0: "1" } },
    answered("failed", { content: "c" }),
  ]
  const again = read(written(items))
  expect(messagesOf("", again)).toEqual(messagesOf("", [asked("a"), ...items.slice(1)]))
  const [, first, , last] = again as [Asked, Answered, Item, Answered]
  expect(String(first.fold.reply.reasoning)).toBe("Hm")
  expect([first.phase.value, last.phase.value]).toEqual(["whole", "failed"])
  expect(first.calls.value).toBe(1)
})

test("a question tells how many pictures it had, however often it is kept again", () => {
  const pictures = (items: Item[]) => items.map((item) => (item as Asked).gone)
  const again = read(written([asked("a", ["data:x", "data:y"]), asked("b")]))
  expect(pictures(again)).toEqual([2, undefined])
  expect(pictures(read(written(again)))).toEqual([2, undefined])
  expect(pictures(read('[{"is":"asked","id":"a","text":"a","gone":"many"}]'))).toEqual([undefined])
})

test("an answer that was still being said is stopped when it is read again", () => {
  const again = read(written([asked("a"), answered("speaking", { content: "b" })])) as Answered[]
  expect(again[1]?.phase.value).toBe("stopped")
})

test("why an answer failed is kept", () => {
  const answer = answered("failed")
  answer.problem.value = { message: "No.", how: "failed", status: 500, code: "x", param: undefined }
  expect((read(written([asked("a"), answer]))[1] as Answered).problem.value?.message).toBe("No.")
})

test("what is kept has a size: the first turns are forgotten, and it begins with what a person said", () => {
  const long = "x".repeat(150_000)
  const items = Array.from({ length: 10 }, (_, turn) => [asked(`${turn}${long}`), answered("whole", { content: long })])
  const json = written(items.flat())
  expect(json.length).toBeLessThan(1_050_000)
  const again = read(json)
  expect(again[0]?.is).toBe("asked")
  expect(again.length).toBeGreaterThan(3)
  expect((again.at(-2) as Asked).text.startsWith("9")).toBe(true)
})

test("one long text is cut", () => {
  expect(written([asked("x".repeat(3_000_000))]).length).toBeLessThan(250_000)
})

const hostile = "\u0001".repeat(300_000)
const many = Array.from({ length: 20_000 }, (_, index) => call(index, `${index}${hostile.slice(0, 50)}`, "f", "{}"))

for (const [name, items] of Object.entries({
  "an answer that is six times as long as JSON": [asked("q"), answered("whole", { content: hostile })],
  "thoughts and a text": [asked("q"), answered("whole", { reasoning: hostile, content: hostile })],
  "a long question, too": [{ ...asked(`q${hostile}`), id: "a" }, answered("whole", { content: hostile })],
  "long arguments": [asked("q"), answered("whole", ...[0, 1, 2, 3].map((index) => call(index, "x", "f", hostile)))],
  "very many calls": [asked("q"), answered("whole", ...many)],
  "long results": [
    asked("q"),
    answered("whole", call(0, "x", "f", hostile)),
    { is: "results", id: "r", of: { 0: hostile } } as Item,
    answered("whole", { content: hostile }),
  ],
})) {
  test(`of a turn that is too large something of all is kept: ${name}`, () => {
    const json = written([asked("before"), ...items])
    expect(json.length).toBeLessThan(1_050_000)
    const again = read(json)
    const turn = again.slice(-items.length)
    expect(turn.map((item) => item.is)).toEqual(items.map((item) => item.is))
    expect((turn[0] as Asked).text.startsWith("q")).toBe(true)
    const { text, calls } = (turn.at(-1) as Answered).fold.reply
    expect(text.length + calls.length).toBeGreaterThan(0)
  })
}

test("what is no conversation is an empty one", () => {
  for (const json of [null, "", "{", "1", "{}", "[1]", '[{"is":"answered"}]']) expect(read(json)).toEqual([])
})
