/** Exchanges made up for tests. */

import type { Exchange, Frame, FrameKind } from "../../src/api/frame"

/** One frame as a test says it: its time, and where it matters its read and its kind. */
export interface Said {
  readonly at: number
  readonly read?: number
  readonly kind?: FrameKind
  readonly raw?: string
}

/** Each frame is text in a read of its own, unless it says otherwise. */
export function framesOf(said: readonly Said[]): Frame[] {
  return said.map(({ at, read, kind, raw }, index) => {
    const text = raw ?? `data: {"n": ${index}}`
    return { index, at, read: read ?? index, raw: text, size: text.length + 2, kind: kind ?? "text" }
  })
}

export function exchangeOf(frames: readonly Frame[], change: Partial<Exchange> = {}): Exchange {
  const endAt = frames.at(-1)?.at
  const head = { headAt: frames[0]?.at, endAt, status: 200, outcome: "whole" as const }
  return { url: "./v1/chat/completions", body: { model: "m", stream: true }, frames, ...head, ...change }
}

/** Numbers in 0..1 that are the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** A stream of all kinds, with pauses and gathered writes. */
export function generated(count: number, seed = 1): Frame[] {
  const random = seeded(seed)
  const kinds: readonly FrameKind[] = ["text", "text", "text", "reasoning", "call", "comment", "other"]
  const said: Said[] = []
  let at = 50
  let read = 0
  for (let place = 0; place < count; place += 1) {
    if (random() < 0.7) {
      at += random() < 0.02 ? 400 * random() : 10 * random()
      read += 1
    }
    said.push({ at, read, kind: kinds[Math.floor(random() * kinds.length)] ?? "text" })
  }
  return framesOf(said)
}
