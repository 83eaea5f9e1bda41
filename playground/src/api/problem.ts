/** Why a request has no whole answer, in the server's words where it has any. */

import { excerpt } from "./excerpt"
import { isRecord, type JsonObject, textAt } from "./json"

export interface Problem {
  /** Text, which may have several lines; never markup. Of a very long one it is the start and the end. */
  readonly message: string
  /** `lost`: the answer broke off. `unreachable`: nobody answered. `refused`: a status. `failed`: an error in the stream. */
  readonly how: "lost" | "unreachable" | "refused" | "failed"
  readonly status: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined
}

/** The longest code and name of a parameter that are told, in characters. */
const MARK = 200

/** Nobody answered, or what did is no such server. */
export function unreachable(): Problem {
  return plain("unreachable", "The server cannot be reached. Is it still running?")
}

/** The connection ended before the answer did. */
export function lost(): Problem {
  return plain("lost", "The connection ended before the answer did.")
}

/** A 200 that is no event stream: something else than the server answers at its address. */
export function notAStream(type: string): Problem {
  return plain("lost", `The answer is no stream of events, but ${type || "of no type"}.`)
}

/** OpenAI's error object; `status` where it came as one, and not in the stream. */
export function problemOf(error: JsonObject, status: number | undefined): Problem {
  const how = status === undefined ? "failed" : "refused"
  const message = textAt(error, "message") ?? "It failed, and does not say why."
  const mark = (name: string) => textAt(error, name)?.slice(0, MARK)
  return { message: excerpt(message), how, status, code: mark("code"), param: mark("param") }
}

/** The body of an answer that is none. */
export function refusal(status: number, body: string): Problem {
  const unknown = { ...plain("refused", `The server answered with the status ${status}.`), status }
  try {
    const found: unknown = JSON.parse(body)
    return isRecord(found) && isRecord(found.error) ? problemOf(found.error, status) : unknown
  } catch {
    return unknown
  }
}

function plain(how: Problem["how"], message: string): Problem {
  return { message, how, status: undefined, code: undefined, param: undefined }
}
