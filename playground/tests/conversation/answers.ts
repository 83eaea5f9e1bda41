/** Answers as they come of frames, for tests. */

import { readChunk } from "../../src/api/chunk"
import { type Answered, type Phase, unanswered } from "../../src/conversation/items"

/** An answer of these deltas. */
export function answered(phase: Phase, ...deltas: object[]): Answered {
  const answer = unanswered(`a${Math.random()}`, "m", false)
  for (const delta of deltas) hear(answer, delta)
  answer.phase.value = phase
  return answer
}

/** One delta more. */
export function hear(answer: Answered, delta: object): void {
  answer.fold.add(readChunk(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}`))
  answer.calls.value = answer.fold.reply.calls.length
}

/** The delta of a whole call. */
export function call(index: number, id: string, name: string, args: string): object {
  return { tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] }
}
