/** A block of code as it is shown: its language, a button that copies it, and the code. */

import { put } from "../copying/clipboard"
import { coloured } from "./highlight"
import { LongText } from "./long_text"

export class CodeBlock {
  readonly element = document.createElement("figure")
  readonly #code = document.createElement("code")
  readonly #text = new LongText(this.#code)
  #short: string | undefined = ""

  constructor(readonly language: string) {
    this.element.className = "code"
    const pre = document.createElement("pre")
    pre.tabIndex = 0
    pre.append(this.#code)
    this.element.append(caption(language), pre)
  }

  append(text: string): void {
    this.#text.append(text)
    if (this.#short !== undefined) this.#short = this.#short.length < 20_000 ? this.#short + text : undefined
  }

  /** It will not grow any more. */
  close(): void {
    const html = this.#short && coloured(this.#short, this.language)
    // The highlighter escapes all that it does not write itself.
    if (html) this.#code.innerHTML = html
    this.#short = undefined
  }
}

/** Gives the blocks of code in a piece of Markdown the same look. */
export function dressCode(nodes: DocumentFragment, finished: boolean): void {
  for (const pre of nodes.querySelectorAll("pre")) {
    const code = pre.firstElementChild
    const block = new CodeBlock(/language-([\w+#.-]{1,32})/.exec(code?.className ?? "")?.[1] ?? "")
    block.append((code?.textContent ?? "").replace(/\n$/, ""))
    if (finished) block.close()
    pre.replaceWith(block.element)
  }
}

/** Copies the code whose button was clicked, and says so in its place. */
export async function copyCode(target: EventTarget | null): Promise<void> {
  const button = target instanceof Element ? target.closest("button.copy-code") : null
  const code = button?.closest("figure")?.querySelector("code")
  if (!button || !code) return
  if (!(await put(code.textContent ?? ""))) return
  button.textContent = "Copied"
  setTimeout(() => {
    button.textContent = "Copy"
  }, 1500)
}

function caption(language: string): HTMLElement {
  const element = document.createElement("figcaption")
  const name = document.createElement("span")
  name.textContent = language || "text"
  const button = document.createElement("button")
  button.type = "button"
  button.className = "copy-code"
  button.textContent = "Copy"
  element.append(name, button)
  return element
}
