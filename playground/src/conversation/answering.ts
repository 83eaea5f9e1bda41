/** Lets an answer grow by what is heard of its exchange. */

import { batch } from "@preact/signals"
import { ask, type Question } from "../api/ask"
import type { Chunk } from "../api/chunk"
import type { Answered, Phase } from "./items"

/** Asks, and resolves when the answer has come to its end, whatever that is. */
export async function answer(question: Question, into: Answered): Promise<void> {
  const problem = await ask(question, {
    changed: (exchange) => {
      into.exchange.value = exchange
    },
    heard: (chunk) => take(chunk, into),
  })
  batch(() => {
    into.problem.value = problem
    into.phase.value = problem ? "failed" : into.exchange.value?.outcome === "stopped" ? "stopped" : "whole"
  })
}

function take(chunk: Chunk, into: Answered): void {
  into.fold.add(chunk)
  const phase = phaseOf(chunk)
  if (phase) into.phase.value = phase
  if (chunk.calls.length > 0) into.calls.value = into.fold.reply.calls.length
}

function phaseOf(chunk: Chunk): Phase | undefined {
  if (chunk.text) return "speaking"
  if (chunk.reasoning) return "thinking"
  return chunk.calls.length > 0 ? "calling" : undefined
}
