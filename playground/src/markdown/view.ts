/** Draws the parts of a text once each, in sections that the browser leaves out while nobody sees them. */

import { CodeBlock, dressCode } from "./code_block"
import { LongText } from "./long_text"
import { nodesOf } from "./markup"
import type { Part } from "./parts"

/** When a section is full: by its parts, or by their text in UTF-16 units. */
const PARTS = 128
const SIZE = 16_384

export class View {
  readonly #tail = document.createElement("div")
  #section: HTMLElement | undefined
  #parts = 0
  #size = 0
  #code: CodeBlock | undefined
  #plain: LongText | undefined

  constructor(readonly root: HTMLElement) {
    this.#tail.className = "tail"
    root.replaceChildren(this.#tail)
  }

  add(part: Part): void {
    switch (part.kind) {
      case "prose":
        this.#prose(part.source)
        break
      case "fence":
        this.#code = new CodeBlock(part.language)
        this.#place(this.#code.element, 0)
        break
      case "code":
        this.#code?.append(part.text)
        break
      case "plain":
        this.#plainText().append(part.text)
        break
      case "close":
        this.#code?.close()
        this.#code = undefined
        this.#plain = undefined
    }
  }

  /** What may still change, in the place of what it was. */
  tail(source: string): void {
    const nodes = nodesOf(source)
    dressCode(nodes, false)
    this.#join(nodes)
    this.#tail.replaceChildren(nodes)
  }

  #prose(source: string): void {
    const nodes = nodesOf(source)
    dressCode(nodes, true)
    this.#join(nodes)
    this.#place(nodes, source.length)
  }

  /** A list that follows one of its kind is most likely the rest of it. */
  #join(nodes: DocumentFragment): void {
    const [before, first] = [this.#section?.lastElementChild, nodes.firstElementChild]
    if (before && before.tagName === first?.tagName && /^[OU]L$/.test(before.tagName)) first.className = "joined"
  }

  #plainText(): LongText {
    if (!this.#plain) {
      const element = document.createElement("div")
      element.className = "plain"
      this.#place(element, 0)
      this.#plain = new LongText(element)
    }
    return this.#plain
  }

  #place(node: Node, size: number): void {
    if (!this.#section || this.#parts >= PARTS || this.#size + size > SIZE) {
      this.#section = document.createElement("div")
      this.#section.className = "section"
      this.#tail.before(this.#section)
      this.#parts = 0
      this.#size = 0
    }
    this.#section.append(node)
    this.#parts += 1
    this.#size += size
  }
}
