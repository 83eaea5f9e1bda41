/** The conversation that the page shows: one pane, or two on the same prompts. */

import { computed, signal } from "@preact/signals"
import type { SafeStorage } from "../browser/storage"
import type { Asked } from "./items"
import { read, written } from "./keeping"
import { freshId, type Manner, Pane } from "./pane"

const NAMES = ["first", "second"] as const

/** Where the browser keeps a pane's items. */
const place = (name: string) => `mserve.conversation.${name}`

export class Conversation {
  readonly all: readonly Pane[]
  /** Whether two programs answer each prompt. */
  readonly comparing = signal(false)
  readonly panes = computed(() => (this.comparing.value ? this.all : this.all.slice(0, 1)))
  readonly busy = computed(() => this.panes.value.some((pane) => pane.busy.value))
  readonly isEmpty = computed(() => this.panes.value.every((pane) => pane.items.value.length === 0))

  constructor(
    manner: () => Manner,
    readonly storage: SafeStorage,
  ) {
    this.all = NAMES.map((name) => new Pane(name, manner, () => this.#keep(name)))
    for (const pane of this.all) pane.items.value = read(storage.getItem(place(pane.name)))
    this.comparing.value = this.all[1]?.items.value.length !== 0
  }

  /** Whether the other pane has turns from before this one's first. */
  beginsLater(pane: Pane): boolean {
    const [first] = this.all
    if (!first || pane === first) return false
    const [begin] = pane.items.value
    return begin ? first.items.value.findIndex(({ id }) => id === begin.id) > 0 : first.items.value.length > 0
  }

  /** Says it in all panes that are shown. */
  say(text: string, images: readonly string[]): void {
    const asked: Asked = { is: "asked", id: freshId(), text, images }
    for (const pane of this.panes.value) void pane.say(asked)
  }

  /** Goes on from another wording, wherever the first one was said. */
  edit(before: Asked, text: string): void {
    const asked: Asked = { ...before, id: freshId(), text }
    for (const pane of this.panes.value) void pane.edit(before.id, asked)
  }

  stop(): void {
    for (const pane of this.all) pane.stop()
  }

  /** Keeps what came of the answers that are being said: were the page to go now, they would be there, stopped. */
  keepOpen(): void {
    for (const pane of this.all) if (pane.busy.value) this.#keep(pane.name)
  }

  /** Forgets all that was said. */
  clear(): void {
    for (const pane of this.all) pane.clear()
  }

  /** One program more, or one less; what the second said is forgotten with it. */
  compare(on: boolean): void {
    this.comparing.value = on
    if (!on) this.all[1]?.clear()
  }

  #keep(name: string): void {
    const pane = this.all.find((one) => one.name === name)
    const items = pane?.items.value ?? []
    if (items.length === 0) this.storage.removeItem(place(name))
    else this.storage.setItem(place(name), written(items))
  }
}
