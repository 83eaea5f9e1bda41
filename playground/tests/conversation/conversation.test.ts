// @vitest-environment node

import type { IncomingMessage, ServerResponse } from "node:http"
import { afterEach, expect, test, vi } from "vitest"
import { Conversation } from "../../src/conversation/conversation"
import type { Answered, Asked } from "../../src/conversation/items"
import type { Manner } from "../../src/conversation/pane"
import { endServers, frame, SSE, say, serving } from "../serving"
import { Memory, safe } from "./kept"

afterEach(endServers)

interface Body {
  model: string
  messages: { role: string; content: string }[]
  [name: string]: unknown
}

type Answer = (body: Body, response: ServerResponse) => void

async function begun(answer: Answer, manner: Partial<Manner> = {}, storage = new Memory()) {
  const bodies: Body[] = []
  const url = await serving(async (request: IncomingMessage, response) => {
    let text = ""
    for await (const piece of request) text += piece
    const body = JSON.parse(text) as Body
    bodies.push(body)
    answer(body, response)
  })
  const conversation = new Conversation(
    () => ({ system: "", fields: {}, key: undefined, url, ...manner }),
    safe(storage),
  )
  conversation.all.forEach((pane, place) => {
    pane.model.value = `m${place}`
  })
  return { conversation, bodies, storage }
}

const echo: Answer = (body, response) => say(response, `${body.model}: ${body.messages.at(-1)?.content}`)
const idle = (conversation: Conversation) => vi.waitFor(() => expect(conversation.busy.value).toBe(false))
const textsOf = (conversation: Conversation, pane = 0) =>
  conversation.all[pane]?.items.value.map((item) =>
    item.is === "asked" ? item.text : item.is === "answered" ? String(item.fold.reply.text) : item.of,
  )

test("a prompt is asked as the settings have it, and answered", async () => {
  const { conversation, bodies } = await begun(echo, { system: "Brief.", fields: { temperature: 0.5 } })
  conversation.say("hi", [])
  expect(conversation.busy.value).toBe(true)
  await idle(conversation)
  expect(textsOf(conversation)).toEqual(["hi", "m0: hi"])
  expect(bodies).toEqual([
    {
      model: "m0",
      temperature: 0.5,
      messages: [
        { role: "system", content: "Brief." },
        { role: "user", content: "hi" },
      ],
      stream: true,
      stream_options: { include_usage: true },
    },
  ])
  expect(conversation.all[0]?.chosen.value).toMatchObject({ outcome: "whole", status: 200 })
})

test("two programs answer one prompt, each in a conversation of its own", async () => {
  const { conversation, bodies } = await begun(echo)
  conversation.compare(true)
  conversation.say("one", [])
  await idle(conversation)
  conversation.say("two", [])
  await idle(conversation)
  expect(textsOf(conversation, 0)).toEqual(["one", "m0: one", "two", "m0: two"])
  expect(textsOf(conversation, 1)).toEqual(["one", "m1: one", "two", "m1: two"])
  expect(bodies.find((body) => body.model === "m1" && body.messages.length > 1)?.messages[1]?.content).toBe("m1: one")
  conversation.compare(false)
  expect(textsOf(conversation, 1)).toEqual([])
})

test("a program that is asked from some prompt on is known to begin there", async () => {
  const { conversation } = await begun(echo)
  const later = () => conversation.all.map((pane) => conversation.beginsLater(pane))
  expect(later()).toEqual([false, false])
  conversation.say("one", [])
  await idle(conversation)
  conversation.compare(true)
  expect(later()).toEqual([false, true])
  conversation.say("two", [])
  await idle(conversation)
  expect(later()).toEqual([false, true])
  conversation.clear()
  conversation.say("three", [])
  await idle(conversation)
  expect(later()).toEqual([false, false])
})

test("who stops keeps what was said, and can go on", async () => {
  const { conversation, bodies } = await begun((body, response) => {
    if (body.messages.length > 1) echo(body, response)
    else response.writeHead(200, SSE).write(frame({ content: "endless" }))
  })
  conversation.say("a", [])
  await vi.waitFor(() => expect(textsOf(conversation)).toEqual(["a", "endless"]))
  conversation.stop()
  await idle(conversation)
  expect(conversation.all[0]?.latest.value?.phase.value).toBe("stopped")
  conversation.say("b", [])
  await idle(conversation)
  expect(bodies[1]?.messages.map((message) => message.content)).toEqual(["a", "endless", "b"])
})

test("an answer is asked for again in its place, and what came after it is forgotten", async () => {
  let turn = 0
  const { conversation } = await begun((_body, response) => {
    turn += 1
    say(response, String(turn))
  })
  conversation.say("a", [])
  await idle(conversation)
  conversation.say("b", [])
  await idle(conversation)
  const pane = conversation.all[0]
  await pane?.retry((pane.items.value[1] as Answered).id)
  expect(textsOf(conversation)).toEqual(["a", "3"])
  await pane?.retry("nobody")
  expect(textsOf(conversation)).toEqual(["a", "3"])
})

test("an edited prompt goes on from there, in both panes", async () => {
  const { conversation } = await begun(echo)
  conversation.compare(true)
  conversation.say("a", ["data:x"])
  await idle(conversation)
  conversation.say("b", [])
  await idle(conversation)
  conversation.edit(conversation.all[0]?.items.value[0] as Asked, "c")
  await idle(conversation)
  for (const pane of [0, 1]) expect(textsOf(conversation, pane)?.[0]).toBe("c")
  expect(textsOf(conversation, 0)).toHaveLength(2)
  expect(conversation.all[0]?.items.value[0]).toMatchObject({ images: ["data:x"] })
})

test("an edit while an answer is being said ends that answer", async () => {
  const { conversation } = await begun((body, response) => {
    if (body.messages[0]?.content === "b") echo(body, response)
    else response.writeHead(200, SSE).write(frame({ content: "endless" }))
  })
  conversation.say("a", [])
  const first = conversation.all[0]?.latest.value
  await vi.waitFor(() => expect(first?.phase.value).toBe("speaking"))
  conversation.edit(conversation.all[0]?.items.value[0] as Asked, "b")
  await idle(conversation)
  await vi.waitFor(() => expect(first?.phase.value).toBe("stopped"))
  expect(textsOf(conversation)).toEqual(["b", "m0: b"])
})

test("calls are answered, and the conversation goes on", async () => {
  const { conversation, bodies } = await begun((body, response) => {
    if (body.messages.at(-1)?.role === "tool") return echo(body, response)
    const call = { index: 0, id: "x", type: "function", function: { name: "f", arguments: "{}" } }
    response.writeHead(200, SSE).end(`${frame({ tool_calls: [call] })}${frame({}, "tool_calls")}data: [DONE]\n\n`)
  })
  conversation.say("a", [])
  await idle(conversation)
  expect(conversation.all[0]?.latest.value?.calls.value).toBe(1)
  await conversation.all[0]?.result({ is: "results", id: "r", of: { 0: "sunny" } })
  expect(textsOf(conversation)).toEqual(["a", "", { 0: "sunny" }, "m0: sunny"])
  expect(bodies[1]?.messages.at(-1)).toEqual({ role: "tool", tool_call_id: "x", content: "sunny" })
})

test("why an answer failed stands at the answer", async () => {
  const { conversation } = await begun((_body, response) => response.writeHead(500).end('{"error":{"message":"Oh"}}'))
  conversation.say("a", [])
  await idle(conversation)
  const answer = conversation.all[0]?.latest.value
  expect(answer?.phase.value).toBe("failed")
  expect(answer?.problem.value).toMatchObject({ message: "Oh", status: 500 })
})

test("a conversation is there again after a reload, with both panes, until it is cleared", async () => {
  const { conversation, storage } = await begun(echo)
  conversation.compare(true)
  conversation.say("a", [])
  await idle(conversation)
  const { conversation: again } = await begun(echo, {}, storage)
  expect(again.comparing.value).toBe(true)
  expect([textsOf(again, 0), textsOf(again, 1)]).toEqual([
    ["a", "m0: a"],
    ["a", "m1: a"],
  ])
  again.clear()
  expect(storage.length).toBe(0)
})

test("after a reload an answer knows which pictures it would be asked for again without", async () => {
  const { conversation, storage } = await begun(echo)
  for (const images of [["data:image/png;base64,AA"], []]) {
    conversation.say("a", images)
    await idle(conversation)
  }
  const gone = ({ all: [pane] }: Conversation) => pane?.items.value.map(({ id }) => pane.goneBefore(id))
  expect(gone(conversation)).toEqual([0, 0, 0, 0])
  const { conversation: again } = await begun(echo, {}, storage)
  expect(gone(again)).toEqual([0, 1, 1, 1])
})

test("what came of an answer that is being said can be kept, and is there after a reload as a stopped one", async () => {
  const { conversation, storage } = await begun((_body, response) => {
    response.writeHead(200, SSE).write(frame({ content: "so far" }))
  })
  conversation.say("a", [])
  await vi.waitFor(() => expect(textsOf(conversation)).toEqual(["a", "so far"]))
  conversation.keepOpen()
  const { conversation: again } = await begun(echo, {}, storage)
  expect(textsOf(again)).toEqual(["a", "so far"])
  expect(again.all[0]?.latest.value?.phase.value).toBe("stopped")
})

test("a browser that keeps nothing is no hindrance", async () => {
  const storage = new Memory()
  storage.room = 0
  const { conversation } = await begun(echo, {}, storage)
  conversation.say("a", [])
  await idle(conversation)
  expect(textsOf(conversation)).toEqual(["a", "m0: a"])
})

test("an earlier answer can be looked at, until there is a new one", async () => {
  const { conversation } = await begun(echo)
  const pane = conversation.all[0]
  conversation.say("a", [])
  await idle(conversation)
  const first = pane?.latest.value
  conversation.say("b", [])
  await idle(conversation)
  if (pane) pane.chosenAnswer.value = first
  expect(pane?.chosen.value).toBe(first?.exchange.value)
  expect(pane?.latestExchange.value).not.toBe(first?.exchange.value)
  conversation.say("c", [])
  await idle(conversation)
  expect(pane?.chosen.value).toBe(pane?.latestExchange.value)
})
