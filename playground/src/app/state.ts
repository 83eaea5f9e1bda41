/** All that the page knows, put together once. */

import { computed, effect, type Signal, signal } from "@preact/signals"
import { type Edit, listen } from "../api/development"
import { programs } from "../api/models"
import type { Problem } from "../api/problem"
import type { SafeStorage, Storages } from "../browser/storage"
import { Conversation } from "../conversation/conversation"
import { Draft } from "../conversation/draft"
import { keepAgainstLeaving } from "../conversation/leaving"
import type { Manner, Pane } from "../conversation/pane"
import { SettingsStore } from "../settings/store"
import { faultsIn, summary } from "../settings/summary"

const PROGRAMS = "mserve.programs"
const TIMELINE = "mserve.timeline"

export class State {
  readonly settings: SettingsStore
  readonly conversation: Conversation
  readonly draft: Draft
  readonly programs = signal<readonly string[]>([])
  readonly problem = signal<Problem | undefined>(undefined)
  readonly edit = signal<Edit | undefined>(undefined)
  readonly settingsShown = signal(false)
  /** What is narrower shows timelines on demand only. */
  readonly #wide = window.matchMedia("(min-width: 900px)")
  readonly timelineShown: Signal<boolean>
  /** Why nothing can be sent. */
  readonly hindrance = computed(() => faultsIn(this.settings.read.value) ?? this.#unasked())
  /** Which settings are in force, where they cannot be seen. */
  readonly inForce = computed(() =>
    this.settingsShown.value ? undefined : summary(this.settings.now.value, this.settings.read.value),
  )
  /** A proxy that strips a path may show the page without the slash behind it. */
  readonly #base = new URL(document.baseURI.replace(/\/?([?#].*)?$/, "/")).href
  readonly #key: string | undefined

  constructor(readonly storages: Storages) {
    const { lasting, tab } = storages
    this.settings = new SettingsStore(lasting)
    this.conversation = new Conversation(() => this.#manner(), lasting)
    this.draft = new Draft(tab)
    this.timelineShown = signal(this.#timelineByItself())
    this.#key = tab.getItem("mserve.key") ?? handedOver()
  }

  /** Asks what is served, and listens for edits; the result ends the listening. */
  start(): () => void {
    const end = new AbortController()
    const before = chosenBefore(this.storages.lasting)
    this.conversation.all.forEach((pane, place) => {
      pane.model.value = before[place] ?? ""
    })
    void this.findPrograms()
    void listen(this.#base, this.#key, end.signal, (edit) => this.#edited(edit))
    const keep = effect(() => {
      this.storages.lasting.setItem(PROGRAMS, JSON.stringify(this.conversation.all.map((pane) => pane.model.value)))
    })
    const stay = keepAgainstLeaving(this.conversation)
    const resized = () => {
      this.timelineShown.value = this.#timelineByItself()
    }
    this.#wide.addEventListener("change", resized)
    return () => {
      end.abort()
      keep()
      stay()
      this.#wide.removeEventListener("change", resized)
    }
  }

  async findPrograms(): Promise<void> {
    const found = await programs(this.#base, this.#key)
    this.problem.value = "problem" in found ? found.problem : undefined
    if ("names" in found) this.#serve(found.names)
  }

  choose(pane: Pane, program: string): void {
    pane.model.value = program
  }

  /** One program more, another one than the first where there is one; or one less. */
  compare(on: boolean): void {
    const [first, second] = this.conversation.all
    if (on && first && second?.model.value === first.model.value) second.model.value = this.#after(first.model.value)
    this.conversation.compare(on)
  }

  showTimeline(on: boolean): void {
    this.timelineShown.value = on
    if (this.#wide.matches) this.storages.lasting.setItem(TIMELINE, on ? "on" : "off")
  }

  /** Forgets all that the browser keeps of this page but its look. */
  forget(): void {
    this.conversation.clear()
    this.settings.clear()
  }

  /** The program that follows; the first one follows the last. */
  #after(name: string): string {
    const names = this.programs.value
    return names[(names.indexOf(name) + 1) % names.length] ?? name
  }

  #unasked(): string | undefined {
    return this.conversation.panes.value.some((pane) => pane.model.value === "")
      ? "There is no program to ask"
      : undefined
  }

  #timelineByItself(): boolean {
    return this.#wide.matches && this.storages.lasting.getItem(TIMELINE) !== "off"
  }

  #serve(names: readonly string[]): void {
    this.programs.value = names
    this.conversation.all.forEach((pane, place) => {
      if (!names.includes(pane.model.value)) pane.model.value = names[place] ?? names[0] ?? ""
    })
  }

  #edited(edit: Edit): void {
    if (edit.is === "serving") {
      this.problem.value = undefined
      this.#serve(edit.programs) // the server may be another one than before
    }
    // Where nothing was edited, this says what was served all along.
    if (edit.is !== "serving" || this.edit.value !== undefined) this.edit.value = edit
  }

  #manner(): Manner {
    const { fields } = this.settings.read.value
    return { system: this.settings.now.value.system, fields, url: `${this.#base}v1/chat/completions`, key: this.#key }
  }
}

/** The key that the page was opened with, where the tab cannot keep one: the window is the same still. */
function handedOver(): string | undefined {
  const { mserveKey } = window as { mserveKey?: unknown }
  return typeof mserveKey === "string" ? mserveKey : undefined
}

/** The programs that were chosen before. */
function chosenBefore(storage: SafeStorage): string[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(PROGRAMS) ?? "[]")
    return Array.isArray(kept) ? kept.map(String) : []
  } catch {
    return []
  }
}
