/**
 * Cuts a growing text in Markdown into parts that will not change any more.
 *
 * What it does at once is bounded by `LONGEST`, whatever the text: only the last block is held, and one that grows past
 * that, or that is made to be hard to read, is plain text until it ends.
 */

import { marked, type Token, type Tokens } from "marked"
import { type Fence, fenceAt, OpenFence } from "./fence"
import { isHard, LONGEST } from "./hardness"
import type { Part } from "./parts"
import { OpenPlain } from "./plain"

/** Past these, lists are cut between their items, and tables between their rows, which shows more. */
const LONG_LIST = 1536
const LONG_TABLE = 5120

type State =
  | { readonly is: "prose" }
  | { readonly is: "code"; open: OpenFence }
  | { readonly is: "plain"; open: OpenPlain }

export class Scanner {
  #tail = ""
  #state: State = { is: "prose" }
  #returned = false

  /** What was said since the last finished block, where it is to be read as Markdown. */
  get tail(): string {
    return this.#tail
  }

  /** How much it wants at once: code and plain text cost little. */
  get appetite(): number {
    return this.#state.is === "prose" ? 1024 : 32768
  }

  /** Takes what is said next, and gives what it finished without a look at the tail. */
  feed(text: string): Part[] {
    const lines = this.#withPlainEnds(text)
    if (this.#state.is === "prose") {
      this.#tail += lines
      return []
    }
    return this.#continue(lines)
  }

  /** Looks at the tail: what it has that is finished leaves it. */
  settle(): Part[] {
    const parts: Part[] = []
    while (this.#state.is === "prose" && this.#tail !== "") {
      const before = this.#tail.length
      this.#settleOnce(parts)
      if (this.#tail.length === before) break
    }
    return parts
  }

  /** The text has ended: all that is left. */
  end(): Part[] {
    const parts = this.settle()
    if (this.#state.is !== "prose") {
      parts.push(...this.#state.open.end())
      this.#state = { is: "prose" }
    }
    if (this.#tail !== "") parts.push({ kind: "prose", source: this.#tail })
    this.#tail = ""
    return parts
  }

  #settleOnce(parts: Part[]): void {
    if (isHard(this.#tail)) {
      this.#plainFrom(0, parts)
      return
    }
    const tokens = marked.lexer(this.#tail)
    const last = tokens.findLastIndex((token) => token.type !== "space")
    if (last < 0) {
      this.#tail = this.#tail.slice(this.#tail.lastIndexOf("\n") + 1)
      return
    }
    const code = tokens.findIndex(isFenced)
    this.#finish(lengthOf(tokens.slice(0, code < 0 ? last : code)), parts)
    const fence = code < 0 ? undefined : fenceAt(this.#tail)
    if (fence) this.#enter(fence, parts)
    else this.#cutLong(tokens[last] as Token, parts)
  }

  #enter(fence: Fence, parts: Part[]): void {
    const rest = this.#tail.slice(fence.length)
    this.#tail = ""
    this.#state = { is: "code", open: new OpenFence(fence) }
    parts.push({ kind: "fence", language: fence.language }, ...this.#continue(rest))
  }

  #continue(text: string): Part[] {
    if (this.#state.is === "prose") return []
    const { parts, rest } = this.#state.open.feed(text)
    if (rest !== undefined) {
      this.#state = { is: "prose" }
      this.#tail = rest
    }
    return parts
  }

  #cutLong(block: Token, parts: Part[]): void {
    const length = this.#tail.length
    if (block.type === "list" && length > LONG_LIST) {
      this.#finish(lengthOf((block as Tokens.List).items.slice(0, -1)), parts)
    }
    if (block.type === "table" && length > LONG_TABLE) this.#cutTable(parts)
    if (this.#tail.length > LONGEST) this.#plainFrom(lastBreak(this.#tail), parts)
  }

  /** The rows that are whole are a table of their own; what follows is another, under the same head. */
  #cutTable(parts: Part[]): void {
    const rows = this.#tail.lastIndexOf("\n") + 1
    const head = this.#tail.indexOf("\n", this.#tail.indexOf("\n") + 1) + 1
    if (head >= rows || head > LONG_TABLE / 4) return
    const table = this.#tail
    this.#finish(rows, parts)
    this.#tail = table.slice(0, head) + this.#tail
  }

  #plainFrom(place: number, parts: Part[]): void {
    this.#finish(place, parts)
    const rest = this.#tail
    this.#tail = ""
    this.#state = { is: "plain", open: new OpenPlain() }
    parts.push(...this.#continue(rest))
  }

  #finish(length: number, parts: Part[]): void {
    const source = this.#tail.slice(0, length)
    this.#tail = this.#tail.slice(length)
    if (source.trim() !== "") parts.push({ kind: "prose", source })
  }

  /** One kind of line end, also where a CRLF comes in two. */
  #withPlainEnds(text: string): string {
    const from = this.#returned && text.startsWith("\n") ? 1 : 0
    if (text !== "") this.#returned = text.endsWith("\r")
    return text.slice(from).replace(/\r\n?/g, "\n")
  }
}

function isFenced(token: Token): boolean {
  return token.type === "code" && token.codeBlockStyle !== "indented"
}

function lengthOf(tokens: readonly { readonly raw: string }[]): number {
  return tokens.reduce((sum, token) => sum + token.raw.length, 0)
}

/** Where a text may best be cut, near its end. */
function lastBreak(text: string): number {
  const line = text.lastIndexOf("\n") + 1
  if (line > text.length / 2) return line
  const word = text.lastIndexOf(" ") + 1
  return word > text.length / 2 ? word : text.length
}
