/** The frames of one answer, whose texts are kept up to a size: the first of them, and the last. */

import type { Frame } from "./frame"

/** How much is kept of either, in bytes. */
const MOST = 4_000_000

/** A frame whose text was let go has "" for it; its size tells that there was one. */
export class KeptFrames {
  readonly list: Frame[] = []
  #first = 0
  #last = 0
  /** The oldest of the last ones. */
  #oldest: number | undefined

  constructor(readonly most = MOST) {}

  add(frame: Frame): void {
    this.list.push(frame)
    if (this.#oldest === undefined && this.#first + frame.size <= this.most) {
      this.#first += frame.size
      return
    }
    this.#oldest ??= frame.index
    this.#last += frame.size
    // The newest one stays, however large it is.
    while (this.#last > this.most && this.#oldest < frame.index) this.#letGo(this.#oldest++)
  }

  #letGo(place: number): void {
    const frame = this.list[place]
    if (!frame) return
    this.#last -= frame.size
    this.list[place] = { ...frame, raw: "" }
  }
}
