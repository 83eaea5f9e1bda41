/** Keeps a conversation in the browser: its words, up to a size, and no pictures. */

import { Fold } from "../reply/fold"
import type { Pieces } from "../reply/pieces"
import { type Answered, type Asked, type Item, type Results, unanswered } from "./items"

/** How much of a conversation is kept, in UTF-16 units; the first turns are forgotten first. */
const MOST = 1_000_000
/** How much is kept of one text. */
const LONGEST = 200_000

type Kept = Asked | Results | KeptAnswer

interface KeptAnswer {
  readonly is: "answered"
  readonly id: string
  readonly model: string
  readonly json: boolean
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { id: string; name: string; arguments: string; custom: boolean }[]
  readonly phase: "whole" | "stopped" | "failed"
  readonly problem: Answered["problem"]["value"]
}

/** The items as JSON. */
export function written(items: readonly Item[]): string {
  const kept: string[] = []
  let size = 0
  for (const item of items.toReversed()) {
    const json = JSON.stringify(item.is === "answered" ? keptAnswer(item) : cut(item))
    size += json.length
    if (size > MOST) break
    kept.push(json)
  }
  return `[${kept.reverse().join(",")}]`
}

/** The items of such a JSON; none where it is something else. */
export function read(json: string | null): Item[] {
  try {
    const kept: unknown = JSON.parse(json ?? "[]")
    return Array.isArray(kept) ? fromTheStart(kept.map(restored)) : []
  } catch {
    return []
  }
}

/** A conversation begins with what a person said. */
function fromTheStart(items: readonly Item[]): Item[] {
  const start = items.findIndex((item) => item.is === "asked")
  return start < 0 ? [] : items.slice(start)
}

function cut(item: Asked | Results): Asked | Results {
  if (item.is === "asked") return { ...item, text: item.text.slice(0, LONGEST), images: [], ...lost(item) }
  return { ...item, of: mapped(item.of) }
}

function lost({ images, gone = 0 }: Asked): Pick<Asked, "gone"> {
  return images.length + gone > 0 ? { gone: images.length + gone } : {}
}

function mapped(of: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(of).map(([id, text]) => [id, text.slice(0, LONGEST)]))
}

function keptAnswer({ id, model, json, fold, phase, problem }: Answered): KeptAnswer {
  const { text, reasoning, calls } = fold.reply
  const said = (pieces: Pieces) => pieces.start(LONGEST)
  const now = phase.value
  return {
    is: "answered",
    id,
    model,
    json,
    text: said(text),
    reasoning: said(reasoning),
    calls: calls.map((call) => ({ ...call, arguments: said(call.arguments) })),
    phase: now === "whole" || now === "failed" ? now : "stopped",
    problem: problem.value,
  }
}

function restored(kept: Kept): Item {
  if (kept.is === "asked") {
    const gone = Number(kept.gone) > 0 ? { gone: Number(kept.gone) } : {}
    return { is: "asked", id: kept.id, text: String(kept.text), images: [], ...gone }
  }
  if (kept.is === "results") return { is: "results", id: kept.id, of: { ...kept.of } }
  const answer = { ...unanswered(kept.id, String(kept.model), kept.json), fold: refolded(kept) }
  answer.calls.value = kept.calls.length
  answer.phase.value = kept.phase
  answer.problem.value = kept.problem
  return answer
}

function refolded({ text, reasoning, calls }: KeptAnswer): Fold {
  const fold = new Fold()
  const pieces = calls.map((call, index) => ({ index, ...call }))
  fold.add({ kind: "other", text, reasoning, calls: pieces, finish: undefined, usage: undefined, problem: undefined })
  return fold
}
