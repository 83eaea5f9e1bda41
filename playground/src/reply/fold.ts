/** Folds what frames say into one reply, at a cost that does not grow with what was said before. */

import type { CallPiece, Chunk, Usage } from "../api/chunk"
import { Pieces } from "./pieces"

/** A tool call, whose arguments may still grow. */
export interface Call {
  readonly id: string
  readonly name: string
  readonly arguments: Pieces
  readonly custom: boolean
}

/** A reply as far as it was said. */
export interface Reply {
  readonly text: Pieces
  readonly reasoning: Pieces
  readonly calls: readonly Call[]
  readonly finish: string | undefined
  readonly usage: Usage | undefined
}

/** Takes chunks in their order; `reply` is always the same object. */
export class Fold {
  readonly #calls: Call[] = []
  readonly #byIndex = new Map<number, Call>()
  readonly #reply: { -readonly [Name in keyof Reply]: Reply[Name] } = {
    text: new Pieces(),
    reasoning: new Pieces(),
    calls: this.#calls,
    finish: undefined,
    usage: undefined,
  }

  get reply(): Reply {
    return this.#reply
  }

  add(chunk: Chunk): void {
    this.#reply.text.append(chunk.text)
    this.#reply.reasoning.append(chunk.reasoning)
    for (const piece of chunk.calls) this.#call(piece).arguments.append(piece.arguments)
    this.#reply.finish = chunk.finish ?? this.#reply.finish
    this.#reply.usage = chunk.usage ?? this.#reply.usage
  }

  /** The call that a piece is of: begun by its first piece, whose id and name it has. */
  #call(piece: CallPiece): Call {
    const known = this.#byIndex.get(piece.index)
    if (known) return known
    const id = piece.id ?? `call_${piece.index}`
    const call = { id, name: piece.name ?? "", arguments: new Pieces(), custom: piece.custom }
    this.#byIndex.set(piece.index, call)
    this.#calls.push(call)
    return call
  }
}
