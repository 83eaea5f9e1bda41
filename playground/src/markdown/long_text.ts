/** Shows a text that may become very long: in blocks, of which the browser lays out those that are seen. */

/** How much a block holds, in UTF-16 units, before the next one begins at the end of a line. */
const BLOCK = 16_384
/** A line that is longer than all this is broken. */
const LINE = 24_576

export class LongText {
  #block: Text | undefined
  #length = 0

  constructor(readonly root: HTMLElement) {}

  append(text: string): void {
    for (let rest = text; rest !== ""; ) {
      const length = this.#room(rest)
      if (length > 0) this.#write(rest.slice(0, length))
      rest = rest.slice(length)
      if (rest !== "") this.#begin()
    }
  }

  /** How much of it the present block takes. */
  #room(text: string): number {
    const wanted = BLOCK - this.#length
    if (text.length <= wanted) return text.length
    const line = text.indexOf("\n", Math.max(wanted, 0)) + 1
    const length = line > 0 ? line : text.length
    const most = Math.max(LINE - this.#length, 0)
    return length <= most ? length : wordEnd(text, most)
  }

  #write(text: string): void {
    if (!this.#block) this.#begin()
    this.#block?.appendData(text)
    this.#length += text.length
  }

  #begin(): void {
    const element = document.createElement("span")
    element.className = "block"
    this.#block = document.createTextNode("")
    this.#length = 0
    element.append(this.#block)
    this.root.append(element)
  }
}

function wordEnd(text: string, most: number): number {
  const space = text.lastIndexOf(" ", most - 1) + 1
  const length = space > most / 2 ? space : most
  const code = text.charCodeAt(length - 1)
  return code >= 0xd800 && code < 0xdc00 ? length - 1 : length
}
