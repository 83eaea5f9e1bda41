/** Spells a conversation as the API has it. */

import type { Call } from "../reply/fold"
import type { Answered, Asked, Item, Results } from "./items"

export type Message = Readonly<Record<string, unknown>>

/** The messages of a request. What nobody can answer to is left out: empty answers, and calls without results. */
export function messagesOf(system: string, items: readonly Item[]): Message[] {
  const messages: Message[] = system.trim() === "" ? [] : [{ role: "system", content: system }]
  items.forEach((item, place) => {
    if (item.is === "asked") messages.push(asked(item))
    if (item.is === "answered") messages.push(...answered(item, resultsAt(items, place + 1)))
  })
  return messages
}

function resultsAt(items: readonly Item[], place: number): Results | undefined {
  const item = items[place]
  return item?.is === "results" ? item : undefined
}

function asked({ text, images }: Asked): Message {
  if (images.length === 0) return { role: "user", content: text }
  const pictures = images.map((url) => ({ type: "image_url", image_url: { url } }))
  return { role: "user", content: [...(text === "" ? [] : [{ type: "text", text }]), ...pictures] }
}

function answered({ fold }: Answered, results: Results | undefined): Message[] {
  const content = String(fold.reply.text)
  const calls = fold.reply.calls.flatMap((call, place) => {
    const result = results?.of[place]
    return result === undefined ? [] : { call, result }
  })
  if (content === "" && calls.length === 0) return []
  if (calls.length === 0) return [{ role: "assistant", content }]
  return [
    { role: "assistant", content: content || null, tool_calls: calls.map(({ call }) => spelt(call)) },
    ...calls.map(({ call, result }) => ({ role: "tool", tool_call_id: call.id, content: result })),
  ]
}

function spelt(call: Call): Message {
  const { id, name, custom } = call
  const said = String(call.arguments)
  if (custom) return { id, type: "custom", custom: { name, input: said } }
  return { id, type: "function", function: { name, arguments: said } }
}
