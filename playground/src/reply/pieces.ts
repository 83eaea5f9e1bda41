/** A text that grows: its readers take what is new, and nobody joins all of it for each token. */
export class Pieces {
  readonly #parts: string[] = []
  #length = 0
  #joined: string | undefined = ""

  /** Of how many parts it is: what a reader keeps as its place. */
  get count(): number {
    return this.#parts.length
  }

  /** In UTF-16 units. */
  get length(): number {
    return this.#length
  }

  append(text: string): void {
    if (text === "") return
    this.#parts.push(text)
    this.#length += text.length
    this.#joined = undefined
  }

  /** What came since there were that many parts. */
  since(count: number): string {
    return this.#parts.slice(count).join("")
  }

  /** Its beginning, up to that many UTF-16 units, at a cost that does not grow with the rest. */
  start(most: number): string {
    let length = 0
    const last = this.#parts.findIndex((part) => {
      length += part.length
      return length >= most
    })
    return this.#parts
      .slice(0, last < 0 ? undefined : last + 1)
      .join("")
      .slice(0, most)
  }

  /** All of it: for the end of an answer, and what is asked for by hand. */
  toString(): string {
    this.#joined ??= this.#parts.join("")
    return this.#joined
  }
}
