/** One program's side of a conversation: what was said, and what is being said. */

import { computed, signal } from "@preact/signals"
import type { Exchange } from "../api/frame"
import { answer } from "./answering"
import { type Answered, type Asked, goneFrom, type Item, isOpen, type Results, unanswered } from "./items"
import { messagesOf } from "./messages"

/** What a request is made of besides the conversation. */
export interface Manner {
  readonly system: string
  /** Further fields of the body. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly url: string
  readonly key: string | undefined
}

export class Pane {
  /** The program that is asked next. */
  readonly model = signal("")
  readonly items = signal<readonly Item[]>([])
  /** The answer whose exchange was chosen to be looked at; else it is the latest. */
  readonly chosenAnswer = signal<Answered | undefined>(undefined)
  readonly latest = computed(() => this.items.value.findLast((item) => item.is === "answered"))
  readonly latestExchange = computed<Exchange | undefined>(() => this.latest.value?.exchange.value)
  /** What the timeline shows. */
  readonly chosen = computed<Exchange | undefined>(() => (this.chosenAnswer.value ?? this.latest.value)?.exchange.value)
  readonly busy = computed(() => this.latest.value !== undefined && isOpen(this.latest.value.phase.value))
  #stop: AbortController | undefined

  constructor(
    readonly name: string,
    readonly manner: () => Manner,
    /** Called whenever something is worth keeping. */
    readonly keep: () => void,
  ) {}

  /** Says something, and has it answered. */
  say(asked: Asked): Promise<void> {
    this.items.value = [...this.items.value, asked]
    return this.#answer()
  }

  /** Says something else in the place of what was said, and forgets what came after it. */
  edit(id: string, asked: Asked): Promise<void> {
    const place = this.items.value.findIndex((item) => item.id === id)
    if (place < 0) return Promise.resolve()
    this.stop()
    this.items.value = [...this.items.value.slice(0, place), asked]
    return this.#answer()
  }

  /** Asks for an answer again, and forgets what came after it. */
  retry(id: string): Promise<void> {
    const place = this.items.value.findIndex((item) => item.id === id)
    if (place < 0) return Promise.resolve()
    this.stop()
    this.items.value = this.items.value.slice(0, place)
    return this.#answer()
  }

  /** How many pictures an answer would be asked for again without. */
  goneBefore(id: string): number {
    return goneFrom(
      this.items.value.slice(
        0,
        this.items.value.findIndex((item) => item.id === id),
      ),
    )
  }

  /** Answers the calls of the last answer. */
  result(results: Results): Promise<void> {
    this.items.value = [...this.items.value, results]
    return this.#answer()
  }

  /** Ends the answer that is being said; what was said stays. */
  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
  }

  clear(): void {
    this.stop()
    this.items.value = []
    this.chosenAnswer.value = undefined
    this.keep()
  }

  async #answer(): Promise<void> {
    const { system, fields, url, key } = this.manner()
    const model = this.model.value
    const body = {
      ...fields,
      model,
      messages: messagesOf(system, this.items.value),
      stream: true,
      stream_options: { include_usage: true },
    }
    const into = unanswered(freshId(), model, "response_format" in fields)
    const stop = new AbortController()
    this.#stop = stop
    this.chosenAnswer.value = undefined
    this.items.value = [...this.items.value, into]
    this.keep()
    await answer({ url, body, key, signal: stop.signal }, into)
    if (this.#stop === stop) this.#stop = undefined
    this.keep()
  }
}

/** A name that no other item has, also of those that were kept. */
export function freshId(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`
}
