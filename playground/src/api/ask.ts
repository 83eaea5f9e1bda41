/** Asks once, and tells what comes of it frame by frame, each with the time of the read that brought it. */

import { type Chunk, readChunk } from "./chunk"
import { drawn } from "./drawn"
import type { Exchange, Frame } from "./frame"
import { KeptFrames } from "./keeping"
import { authorization } from "./models"
import { lost, notAStream, type Problem, refusal, unreachable } from "./problem"
import { Splitter } from "./split"

export interface Question {
  readonly url: string
  readonly body: Readonly<Record<string, unknown>>
  readonly key: string | undefined
  readonly signal: AbortSignal
}

export interface Listener {
  /** The exchange as it is now: at its start, with its head, and at its end. Its `frames` are the same list always. */
  changed(exchange: Exchange): void
  /** One more frame, which is in the list already. */
  heard(chunk: Chunk, frame: Frame): void
}

/** How long reads that are there already may keep the page from anything else, in ms. */
const PATIENCE = 6
/** How much of a refusal's body is read, in bytes; a read that goes over it is the last. */
const REFUSAL = 1_000_000

/** Resolves at the end, whatever that is; rejects never. What kept the answer from being whole is the result. */
export async function ask(question: Question, listener: Listener): Promise<Problem | undefined> {
  const exchange = new Under(question, listener)
  try {
    const problem = await exchange.run()
    exchange.end(problem ? "failed" : "whole")
    return problem
  } catch {
    const [outcome, problem] = exchange.broken(question.signal.aborted)
    exchange.end(outcome)
    return problem
  }
}

class Under {
  readonly #frames = new KeptFrames()
  #sentAt = performance.now()
  #now: Exchange
  /** What an error in the stream said. */
  #problem: Problem | undefined
  /** Whether the stream said that nothing comes any more. */
  #whole = false

  constructor(
    readonly question: Question,
    readonly listener: Listener,
  ) {
    const { url, body } = question
    const unknown = { headAt: undefined, endAt: undefined, status: undefined }
    this.#now = { url, body, frames: this.#frames.list, ...unknown, outcome: "waiting" }
    listener.changed(this.#now)
  }

  /** What became of it where the connection broke, or was ended by hand: what the stream said before that counts. */
  broken(byHand: boolean): [Exchange["outcome"], Problem | undefined] {
    if (this.#problem) return ["failed", this.#problem]
    if (this.#whole) return ["whole", undefined]
    if (byHand) return ["stopped", undefined]
    return ["failed", this.#now.status === undefined ? unreachable() : lost()]
  }

  async run(): Promise<Problem | undefined> {
    const { url, body, signal } = this.question
    await drawn() // what the page does with the question would count as the server's time
    this.#sentAt = performance.now()
    const answer = await fetch(url, { method: "POST", headers: this.#headers(), body: JSON.stringify(body), signal })
    this.#become({ headAt: this.#time(), status: answer.status, outcome: "streaming" })
    if (!answer.ok) return refusal(answer.status, await startOf(answer))
    const type = answer.headers.get("content-type") ?? ""
    if (!type.startsWith("text/event-stream") || !answer.body) {
      await answer.body?.cancel()
      return notAStream(type)
    }
    return this.#read(answer.body.getReader())
  }

  end(outcome: Exchange["outcome"]): void {
    this.#become({ endAt: this.#time(), outcome })
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Problem | undefined> {
    const splitter = new Splitter()
    let busySince = this.#time()
    for (let read = 0; ; read += 1) {
      const askedAt = this.#time()
      const { value, done } = await reader.read()
      const at = this.#time()
      if (done) return this.#problem ?? (this.#whole ? undefined : lost())
      for (const { raw, size } of splitter.push(value)) {
        const chunk = readChunk(raw)
        const frame = { index: this.#frames.list.length, at, read, raw, size, kind: chunk.kind }
        this.#frames.add(frame)
        this.#problem ??= chunk.problem
        this.#whole ||= chunk.kind === "done"
        this.listener.heard(chunk, frame)
      }
      if (at - askedAt > 1) busySince = at
      if (this.#time() - busySince > PATIENCE) {
        await rest()
        busySince = this.#time()
      }
    }
  }

  #headers(): Record<string, string> {
    return { "Content-Type": "application/json", ...authorization(this.question.key) }
  }

  #time(): number {
    return performance.now() - this.#sentAt
  }

  #become(change: Partial<Exchange>): void {
    this.#now = { ...this.#now, ...change }
    this.listener.changed(this.#now)
  }
}

/** The text of an answer's body, as far as it is read. */
async function startOf(answer: Response): Promise<string> {
  const reader = answer.body?.getReader()
  const decoder = new TextDecoder()
  let text = ""
  for (let size = 0; reader && size < REFUSAL; ) {
    const { value, done } = await reader.read()
    if (done) break
    size += value.length
    text += decoder.decode(value, { stream: true })
  }
  await reader?.cancel()
  return text
}

/** Lets the page do what waits. A timer would be held back in a page that nobody sees. */
function rest(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
