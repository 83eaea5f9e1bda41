/** The prompt that is being written, which the tab keeps until it is sent. */

import { effect, signal } from "@preact/signals"

const PLACE = "mserve.draft"
/** A longer one is not kept, in UTF-16 units: it is written down anew with each key. */
const LONGEST = 200_000

export class Draft {
  readonly text = signal("")

  constructor(readonly storage: Storage) {
    this.text.value = storage.getItem(PLACE) ?? ""
    effect(() => this.#keep(this.text.value))
  }

  #keep(text: string): void {
    try {
      if (text === "" || text.length > LONGEST) this.storage.removeItem(PLACE)
      else this.storage.setItem(PLACE, text)
    } catch {
      // The browser keeps nothing, or has no room: it is there as long as the page is.
    }
  }
}
