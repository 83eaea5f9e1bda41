/** A frame's text for people: cut where it is too long to be shown, and told so. */

import { dataOf } from "../api/chunk"
import { count } from "./numbers"

const HEAD = 16_000
const TAIL = 4_000
/** JSON that is longer is not laid out. */
const LONGEST_JSON = 200_000

/** The text, or its beginning and its end with a line between them that says how much is left out. */
export function excerpt(text: string): string {
  if (text.length <= HEAD + TAIL) return text
  const left = text.length - HEAD - TAIL
  return `${text.slice(0, HEAD)}\n… ${count(left)} characters are not shown …\n${text.slice(-TAIL)}`
}

/** The frame's data as JSON over several lines; undefined where it is none, or too long. */
export function pretty(raw: string): string | undefined {
  if (raw.length > LONGEST_JSON) return undefined
  try {
    return JSON.stringify(JSON.parse(dataOf(raw) ?? ""), null, 2)
  } catch {
    return undefined
  }
}
