/** The settings as they are now, which the browser keeps. */

import { computed, signal } from "@preact/signals"
import { isRecord } from "../api/json"
import type { SafeStorage } from "../browser/storage"
import { EMPTY, fieldsOf, type Name, type Settings } from "./fields"

const PLACE = "mserve.settings"

export class SettingsStore {
  readonly now = signal<Settings>(EMPTY)
  readonly read = computed(() => fieldsOf(this.now.value))

  constructor(readonly storage: SafeStorage) {
    this.now.value = kept(storage.getItem(PLACE))
  }

  set(name: Name, text: string): void {
    this.now.value = { ...this.now.value, [name]: text }
    this.storage.setItem(PLACE, JSON.stringify(this.now.value))
  }

  clear(): void {
    this.now.value = EMPTY
    this.storage.removeItem(PLACE)
  }
}

function kept(json: string | null): Settings {
  try {
    const value: unknown = JSON.parse(json ?? "{}")
    if (!isRecord(value)) return EMPTY
    const texts = Object.entries(value).filter(([name, text]) => name in EMPTY && typeof text === "string")
    return { ...EMPTY, ...Object.fromEntries(texts) }
  } catch {
    return EMPTY
  }
}
