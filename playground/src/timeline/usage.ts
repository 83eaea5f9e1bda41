/** How many tokens a usage frame says were put out; nothing else of a frame is read for the figures. */

import { dataOf } from "./data"

export function outputTokens(raw: string): number | undefined {
  try {
    const chunk: unknown = JSON.parse(dataOf(raw))
    const said = property(property(chunk, "usage"), "completion_tokens")
    return typeof said === "number" && Number.isFinite(said) && said >= 0 ? said : undefined
  } catch {
    return undefined // a program's relay may say anything
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
