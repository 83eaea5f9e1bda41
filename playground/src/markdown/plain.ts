/** Text that is shown as it is, until an empty line and one that is not indented end it. */

import type { Fed } from "./fence"
import type { Part } from "./parts"

/** How much white space is held back at most, since the end may be in it. */
const HELD = 512

export class OpenPlain {
  #held = ""

  feed(text: string): Fed {
    const all = this.#held + text
    const end = /\n[ \t]*\n(?=\S)/.exec(all)
    if (end) {
      const parts: Part[] = [...plain(all.slice(0, end.index)), { kind: "close" }]
      return { parts, rest: all.slice(end.index + end[0].length) }
    }
    const from = Math.max(trimmedEnd(all), all.length - HELD)
    this.#held = all.slice(from)
    return { parts: plain(all.slice(0, from)) }
  }

  end(): Part[] {
    return [...plain(this.#held), { kind: "close" }]
  }
}

function trimmedEnd(text: string): number {
  let end = text.length
  while (end > 0 && " \t\n".includes(text[end - 1] as string)) end -= 1
  return end
}

function plain(text: string): Part[] {
  return text === "" ? [] : [{ kind: "plain", text }]
}
