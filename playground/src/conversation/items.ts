/** What a conversation consists of, in the order in which it was said. */

import { type Signal, signal } from "@preact/signals"
import type { Exchange } from "../api/frame"
import type { Problem } from "../api/problem"
import { Fold, type Reply } from "../reply/fold"

/** What a person said. Of two panes, both have the same one. */
export interface Asked {
  readonly is: "asked"
  readonly id: string
  readonly text: string
  /** Pictures, as data: URLs. */
  readonly images: readonly string[]
  /** How many pictures it had that are gone, since none is kept. */
  readonly gone?: number
}

/** Where an answer stands. */
export type Phase = "waiting" | "thinking" | "speaking" | "calling" | "whole" | "stopped" | "failed"

/** What a program said; it is the same object from its first frame on, and its signals tell what became of it. */
export interface Answered {
  readonly is: "answered"
  readonly id: string
  readonly model: string
  /** Whether JSON was asked for. */
  readonly json: boolean
  readonly fold: Fold
  readonly phase: Signal<Phase>
  readonly problem: Signal<Problem | undefined>
  /** How many calls there are: texts grow without a signal. */
  readonly calls: Signal<number>
  readonly exchange: Signal<Exchange | undefined>
}

/** What a person answered to the calls of the answer before it, by the calls' places: programs may repeat an id. */
export interface Results {
  readonly is: "results"
  readonly id: string
  readonly of: Readonly<Record<number, string>>
}

export type Item = Asked | Answered | Results

/** An answer of which nothing came yet. */
export function unanswered(id: string, model: string, json: boolean): Answered {
  return {
    is: "answered",
    id,
    model,
    json,
    fold: new Fold(),
    phase: signal<Phase>("waiting"),
    problem: signal(undefined),
    calls: signal(0),
    exchange: signal(undefined),
  }
}

/** How many pictures of the questions are gone, without which they would be asked again. */
export function goneFrom(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + (item.is === "asked" ? (item.gone ?? 0) : 0), 0)
}

/** A number of pictures in words. */
export function pictures(count: number): string {
  return count === 1 ? "1 picture" : `${count} pictures`
}

/** Whether more of an answer may come. */
export function isOpen(phase: Phase): boolean {
  return phase !== "whole" && phase !== "stopped" && phase !== "failed"
}

/** Whether a reply holds anything at all. */
export function saysSomething(reply: Reply): boolean {
  return reply.text.length > 0 || reply.reasoning.length > 0 || reply.calls.length > 0
}
