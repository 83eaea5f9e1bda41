/** Keeps a conversation in the browser: its words, up to a size, and no pictures. */

import { Fold } from "../reply/fold"
import type { Pieces } from "../reply/pieces"
import { type Answered, type Asked, type Item, type Results, unanswered } from "./items"

/** How much of a conversation is kept, in UTF-16 units; the first turns are forgotten first. */
const MOST = 1_000_000
/** How much is kept of one text. */
const LONGEST = 200_000
/** How many calls of an answer are kept, and how much of the name and the id of each. */
const CALLS = 200
const NAME = 200

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

/** The items as JSON: of the last turn something of each, however large it is; of those before it what fits whole. */
export function written(items: readonly Item[]): string {
  const kept: string[] = []
  let room = MOST
  let hasTurn = false
  for (const item of items.toReversed()) {
    const json = hasTurn ? jsonOf(item, LONGEST) : fitting(item, room / 2)
    if (json.length > room) break
    room -= json.length
    kept.push(json)
    hasTurn ||= item.is === "asked"
  }
  return `[${kept.reverse().join(",")}]`
}

/** An item whose texts are cut until it fits: JSON may need six units for one. */
function fitting(item: Item, room: number): string {
  let json = jsonOf(item, LONGEST)
  for (let most = LONGEST; json.length > room && most > 1; ) {
    most = Math.floor(most / 2)
    json = jsonOf(item, most)
  }
  return json
}

function jsonOf(item: Item, most: number): string {
  return JSON.stringify(item.is === "answered" ? keptAnswer(item, most) : cut(item, most))
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

function cut(item: Asked | Results, most: number): Asked | Results {
  if (item.is === "asked") return { ...item, text: item.text.slice(0, most), images: [], ...lost(item) }
  return { ...item, of: mapped(item.of, most) }
}

function lost({ images, gone = 0 }: Asked): Pick<Asked, "gone"> {
  return images.length + gone > 0 ? { gone: images.length + gone } : {}
}

function mapped(of: Results["of"], most: number): Record<string, string> {
  const texts = Object.entries(of).slice(0, CALLS)
  return Object.fromEntries(texts.map(([place, text]) => [place, text.slice(0, most)]))
}

function keptAnswer({ id, model, json, fold, phase, problem }: Answered, most: number): KeptAnswer {
  const { text, reasoning, calls } = fold.reply
  const said = (pieces: Pieces) => pieces.start(most)
  const now = phase.value
  return {
    is: "answered",
    id,
    model,
    json,
    text: said(text),
    reasoning: said(reasoning),
    calls: calls.slice(0, CALLS).map((call) => ({
      id: call.id.slice(0, NAME),
      name: call.name.slice(0, NAME),
      arguments: said(call.arguments),
      custom: call.custom,
    })),
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
