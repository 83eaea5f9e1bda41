/** The prompt that is being written, which the tab keeps until it is sent. */

import { effect, signal } from "@preact/signals"
import type { SafeStorage } from "../browser/storage"

const PLACE = "mserve.draft"
/** A longer one is not kept, in UTF-16 units: it is written down anew with each key. */
const LONGEST = 200_000

export class Draft {
  readonly text = signal("")

  constructor(readonly storage: SafeStorage) {
    this.text.value = storage.getItem(PLACE) ?? ""
    effect(() => this.#keep(this.text.value))
  }

  #keep(text: string): void {
    if (text === "" || text.length > LONGEST) this.storage.removeItem(PLACE)
    else this.storage.setItem(PLACE, text)
  }
}
