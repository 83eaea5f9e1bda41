/** What a frame says: its JSON, taken for what it is and never for what it should be. */

import type { FrameKind } from "./frame"
import { isRecord, type Json, recordAt, recordsAt, textAt } from "./json"
import { type Problem, problemOf } from "./problem"

/** A piece of a tool call; `index` says of which. */
export interface CallPiece {
  readonly index: number
  readonly id: string | undefined
  readonly name: string | undefined
  readonly arguments: string
  /** Whether it is a custom tool's, whose input is text and no JSON. */
  readonly custom: boolean
}

/** The tokens of an answer, as its server counted them. */
export interface Usage {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly total: number | undefined
}

/** What one frame adds to an answer; only its first choice is read. */
export interface Chunk {
  readonly kind: FrameKind
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly CallPiece[]
  readonly finish: string | undefined
  readonly usage: Usage | undefined
  readonly problem: Problem | undefined
}

const NOTHING = { text: "", reasoning: "", calls: [], finish: undefined, usage: undefined, problem: undefined }

/** Reads a frame's lines. What is no JSON, and no frame of a chat completion, is `other`. */
export function readChunk(raw: string): Chunk {
  const data = dataOf(raw)
  if (data === undefined) return { ...NOTHING, kind: raw.startsWith(":") ? "comment" : "other" }
  if (data === "[DONE]") return { ...NOTHING, kind: "done" }
  const body = parsed(data)
  return isRecord(body) ? chunkOf(body) : { ...NOTHING, kind: "other" }
}

/** The joined data of a frame; undefined where it has none. */
export function dataOf(raw: string): string | undefined {
  if (raw.startsWith("data: ") && !raw.includes("\n") && !raw.includes("\r")) return raw.slice(6)
  const lines: string[] = []
  for (const line of raw.split(/\r\n|\n|\r/)) {
    if (line === "data") lines.push("")
    else if (line.startsWith("data:")) lines.push(line.slice(line[5] === " " ? 6 : 5))
  }
  return lines.length > 0 ? lines.join("\n") : undefined
}

function parsed(data: string): Json | undefined {
  try {
    return JSON.parse(data) as Json
  } catch {
    return undefined
  }
}

function chunkOf(body: Readonly<Record<string, Json>>): Chunk {
  const problem = isRecord(body.error) ? problemOf(body.error, undefined) : undefined
  const choice = recordsAt(body, "choices").find(({ index }) => (index ?? 0) === 0) ?? {}
  const delta = recordAt(choice, "delta") ?? {}
  const said = {
    text: (textAt(delta, "content") ?? "") + (textAt(delta, "refusal") ?? ""),
    reasoning: textAt(delta, "reasoning_content") ?? textAt(delta, "reasoning") ?? "",
    calls: callsOf(delta),
    finish: textAt(choice, "finish_reason"),
    usage: usageOf(recordAt(body, "usage")),
    problem,
  }
  return { ...said, kind: kindOf(said, delta) }
}

function kindOf(said: Omit<Chunk, "kind">, delta: Readonly<Record<string, Json>>): FrameKind {
  if (said.problem) return "error"
  if (said.text) return "text"
  if (said.reasoning) return "reasoning"
  if (said.calls.length > 0) return "call"
  if (said.finish) return "finish"
  if (said.usage) return "usage"
  return typeof delta.role === "string" ? "start" : "other"
}

function callsOf(delta: Readonly<Record<string, Json>>): CallPiece[] {
  return recordsAt(delta, "tool_calls").map((call, place) => {
    const named = recordAt(call, "function") ?? recordAt(call, "custom") ?? {}
    return {
      index: typeof call.index === "number" ? call.index : place,
      id: textAt(call, "id"),
      name: textAt(named, "name"),
      arguments: textAt(named, "arguments") ?? textAt(named, "input") ?? "",
      custom: isRecord(call.custom),
    }
  })
}

function usageOf(usage: Readonly<Record<string, Json>> | undefined): Usage | undefined {
  if (!usage) return undefined
  const count = (name: string) => (typeof usage[name] === "number" ? usage[name] : undefined)
  return { input: count("prompt_tokens"), output: count("completion_tokens"), total: count("total_tokens") }
}
