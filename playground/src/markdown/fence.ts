/** A block of code between fences, which goes out as it comes and ends with a line of its own. */

import type { Part } from "./parts"

/** What opens a block of code. */
export interface Fence {
  /** Its mark, and how many of it at least close the block. */
  readonly mark: string
  readonly count: number
  readonly language: string
  /** The length of its line, with the end. */
  readonly length: number
}

/** What an open block gave, and the text behind it where it ended. */
export interface Fed {
  readonly parts: Part[]
  readonly rest?: string
}

/** The fence that a text begins with, once its line is whole. */
export function fenceAt(text: string): Fence | undefined {
  const found = /^\n* {0,3}(`{3,}|~{3,})([^\n]*)\n/.exec(text)
  if (!found?.[1]) return undefined
  const language = /^[\w+#.-]{1,32}/.exec((found[2] ?? "").trim())?.[0] ?? ""
  return { mark: found[1][0] as string, count: found[1].length, language, length: found[0].length }
}

export class OpenFence {
  readonly #closing: RegExp
  readonly #mayClose: RegExp
  #held = ""
  #atLineStart = true

  constructor({ mark, count }: Fence) {
    this.#closing = new RegExp(`(?:^|\\n) {0,3}${mark}{${count},}[ \\t]*\\n`)
    this.#mayClose = new RegExp(`(?:^|\\n) {0,3}${mark}*[ \\t]*$`)
  }

  feed(text: string): Fed {
    // A mark that stands before what goes on in the middle of a line: the pattern's ^ is no start of a line there.
    const before = this.#atLineStart ? "" : "x"
    const code = before + this.#held + text
    const end = this.#closing.exec(code)
    if (end) {
      const body = code.slice(before.length, end.index)
      return { parts: [...coded(body), { kind: "close" }], rest: code.slice(end.index + end[0].length) }
    }
    const from = this.#holdFrom(code)
    this.#held = code.slice(from)
    const body = code.slice(before.length, from)
    if (body !== "") this.#atLineStart = false
    return { parts: coded(body) }
  }

  /** All that is left; a closing fence without a line's end closes, too. */
  end(): Part[] {
    const closes = this.#held.trim() !== "" && this.#closing.test(`${this.#atLineStart ? "" : "x"}${this.#held}\n`)
    const left = closes ? "" : this.#held.replace(/\n$/, "")
    return [...coded(left), { kind: "close" }]
  }

  /** Where the last line begins, with the end before it, if it may still become what closes the block. */
  #holdFrom(code: string): number {
    const start = code.lastIndexOf("\n")
    const line = code.slice(Math.max(start, 0))
    return line.length < 200 && this.#mayClose.test(line) ? Math.max(start, 0) : code.length
  }
}

function coded(text: string): Part[] {
  return text === "" ? [] : [{ kind: "code", text }]
}
