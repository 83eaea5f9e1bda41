/** Draws a growing text in small steps: a few milliseconds of each frame at most, however much there is. */

import type { Pieces } from "../reply/pieces"
import { Scanner } from "./scanner"
import type { View } from "./view"

/** How long a frame may be worked, in ms. */
const BUDGET = 4
/** A tail is drawn anew after so many times what that took. */
const REST = 12

export class Drawing {
  readonly #scanner = new Scanner()
  #taken = 0
  #waiting = ""
  #place = 0
  #tailAt = 0
  #drawn = ""

  constructor(
    readonly pieces: Pieces,
    readonly view: View,
  ) {}

  /** Draws for a while. `ended` says that no more comes; the result, whether something is left to draw. */
  draw(ended: boolean): boolean {
    const until = performance.now() + BUDGET
    while (this.#takeMore()) {
      this.#add(this.#next())
      if (performance.now() > until) return true
    }
    if (ended) {
      this.#finish()
      return false
    }
    return this.#drawTail()
  }

  #takeMore(): boolean {
    if (this.#place < this.#waiting.length) return true
    this.#waiting = this.pieces.since(this.#taken)
    this.#taken = this.pieces.count
    this.#place = 0
    return this.#waiting !== ""
  }

  #next(): string {
    const text = this.#waiting.slice(this.#place, this.#place + this.#scanner.appetite)
    this.#place += text.length
    return text
  }

  #add(text: string): void {
    for (const part of this.#scanner.feed(text)) this.view.add(part)
    if (this.#scanner.tail.length > 1024) this.#settle()
  }

  #settle(): void {
    for (const part of this.#scanner.settle()) this.view.add(part)
  }

  #finish(): void {
    for (const part of this.#scanner.end()) this.view.add(part)
    this.#draw("")
  }

  #drawTail(): boolean {
    if (this.#scanner.tail === this.#drawn) return false
    const now = performance.now()
    if (now < this.#tailAt) return true
    this.#settle()
    this.#draw(this.#scanner.tail)
    const end = performance.now()
    this.#tailAt = end + (end - now) * REST
    return false
  }

  #draw(source: string): void {
    if (source === this.#drawn) return
    this.view.tail(source)
    this.#drawn = source
  }
}
