/** Cuts the bytes of an event stream into frames, wherever the reads of the connection cut them. */

/** One frame as it came: its lines, and its size in bytes with all that ended it. */
export interface Cut {
  readonly raw: string
  readonly size: number
}

const LF = 10
const CR = 13
const BOM = 0xfeff

/**
 * Takes reads and gives the frames that each of them ended.
 *
 * Lines end with LF, CRLF or CR; an empty one ends a frame. Empty lines that end nothing, and an LF that comes after
 * a frame's last CR in a later read, count to the size of the next frame: all sizes together are all bytes.
 */
export class Splitter {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  #held: Uint8Array[] = []
  #size = 0
  #lineIsEmpty = true
  #hasLines = false
  #afterReturn = false
  #first = true

  /** The frames that end in these bytes. */
  push(bytes: Uint8Array): Cut[] {
    const cuts: Cut[] = []
    let from = 0
    for (let place = 0; place < bytes.length; place += 1) {
      const byte = bytes[place]
      const completes = byte === LF && this.#afterReturn
      this.#afterReturn = byte === CR
      if (completes) continue
      if (byte !== LF && byte !== CR) {
        this.#lineIsEmpty = false
        this.#hasLines = true
      } else if (!this.#lineIsEmpty) {
        this.#lineIsEmpty = true
      } else if (this.#hasLines) {
        const end = byte === CR && bytes[place + 1] === LF ? place + 2 : place + 1
        cuts.push(this.#cut(bytes.subarray(from, end)))
        from = end
      }
    }
    if (from < bytes.length) this.#hold(bytes.subarray(from))
    return cuts
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes)
    this.#size += bytes.length
  }

  #cut(last: Uint8Array): Cut {
    this.#hold(last)
    const raw = this.#decoder.decode(this.#held.length === 1 ? last : joined(this.#held, this.#size))
    const cut = { raw: trimmed(this.#first && raw.charCodeAt(0) === BOM ? raw.slice(1) : raw), size: this.#size }
    this.#held = []
    this.#size = 0
    this.#hasLines = false
    this.#first = false
    return cut
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let place = 0
  for (const part of parts) {
    whole.set(part, place)
    place += part.length
  }
  return whole
}

/** Without the line ends before and behind it. */
function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isEnd(text.charCodeAt(from))) from += 1
  while (to > from && isEnd(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isEnd(code: number): boolean {
  return code === LF || code === CR
}
