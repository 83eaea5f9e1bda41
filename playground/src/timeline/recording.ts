/** An exchange's frames as plain numbers in typed arrays: what is drawn and measured, however many frames there are. */

import { readChunk } from "../api/chunk"
import type { Frame } from "../api/frame"
import { isToken, KINDS } from "./kinds"

/** A gap of less than this is no stall, however short the others are: nobody sees it. */
export const SHORTEST_STALL = 100

/** A pause between two token frames, and the frame that ended it. */
export interface Pause {
  readonly from: number
  readonly to: number
  readonly frame: number
}

/** Grows by `take` alone, each frame once: what is asked of it needs no look at all frames. */
export class Recording {
  length = 0
  /** Per frame: ms after the request, its place among the frames of its read, and its kind's place in KINDS. */
  at = new Float64Array(1024)
  row = new Uint32Array(1024)
  kind = new Uint8Array(1024)
  /** How many there are of each kind. */
  readonly counts = new Uint32Array(KINDS.length)
  reads = 0
  bytes = 0
  /** When the first and the last token frame came, and how many there were. */
  firstToken: number | undefined
  lastToken: number | undefined
  tokenFrames = 0
  /** What the last usage frame says of the tokens that were put out. */
  tokensSaid: number | undefined
  /** Pauses that are long enough to be stalls. */
  readonly pauses: Pause[] = []
  #gaps = new Float64Array(1024)
  #lastRead: number | undefined

  /** Takes the frames that are new since it was called last. Those before are not looked at again. */
  take(frames: readonly Frame[]): void {
    for (const frame of frames.slice(this.length)) this.#add(frame)
  }

  /** The times between each token frame and the one before: 0 where one read brought both. */
  get gaps(): Float64Array {
    return this.#gaps.subarray(0, Math.max(0, this.tokenFrames - 1))
  }

  #add(frame: Frame): void {
    const place = this.length
    if (place === this.at.length) this.#grow()
    const kind = KINDS.indexOf(frame.kind)
    const gathered = frame.read === this.#lastRead
    this.at[place] = frame.at
    this.row[place] = gathered ? (this.row[place - 1] as number) + 1 : 0
    this.kind[place] = kind
    this.counts[kind] = (this.counts[kind] as number) + 1
    this.reads += gathered ? 0 : 1
    this.bytes += frame.size
    this.#lastRead = frame.read
    this.length = place + 1
    if (isToken(frame.kind)) this.#addToken(frame.at, place)
    if (frame.kind === "usage") this.tokensSaid = outputTokens(frame.raw) ?? this.tokensSaid
  }

  #addToken(at: number, frame: number): void {
    this.firstToken ??= at
    if (this.lastToken !== undefined) {
      const gap = at - this.lastToken
      if (this.tokenFrames > this.#gaps.length) this.#gaps = doubled(this.#gaps)
      this.#gaps[this.tokenFrames - 1] = gap
      if (gap >= SHORTEST_STALL) this.pauses.push({ from: this.lastToken, to: at, frame })
    }
    this.lastToken = at
    this.tokenFrames += 1
  }

  #grow(): void {
    this.at = doubled(this.at)
    this.row = doubled(this.row)
    this.kind = doubled(this.kind)
  }
}

/** A program that relays a model's usage may say anything. */
function outputTokens(raw: string): number | undefined {
  const said = readChunk(raw).usage?.output
  return said !== undefined && Number.isFinite(said) && said >= 0 ? said : undefined
}

/** The first place in `at` (ascending, `length` of them) that is not before `time`. */
export function placeOf(at: Float64Array, length: number, time: number): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((at[middle] as number) < time) low = middle + 1
    else high = middle
  }
  return low
}

function doubled<Numbers extends Float64Array | Uint32Array | Uint8Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(numbers.length * 2)
  larger.set(numbers)
  return larger
}
