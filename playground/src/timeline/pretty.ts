/** A frame's data laid out for people. */

import { dataOf } from "../api/chunk"

/** JSON that is longer is not laid out. */
const LONGEST_JSON = 200_000

/** The frame's data as JSON over several lines; undefined where it is none, or too long. */
export function pretty(raw: string): string | undefined {
  if (raw.length > LONGEST_JSON) return undefined
  try {
    return JSON.stringify(JSON.parse(dataOf(raw) ?? ""), null, 2)
  } catch {
    return undefined
  }
}
