/** What the server serves. */

import { isRecord, recordsAt, textAt } from "./json"
import { type Problem, refusal, unreachable } from "./problem"

/** The names of its programs, or why they cannot be told. */
export type Programs = { readonly names: readonly string[] } | { readonly problem: Problem }

/** Asks for the programs; rejects never. */
export async function programs(base: string, key: string | undefined): Promise<Programs> {
  const url = `${base}v1/models`
  try {
    const answer = await fetch(url, { headers: authorization(key) })
    const body = await answer.text()
    if (answer.ok) return { names: namesIn(body) }
    const problem = refusal(answer.status, body)
    // Most likely something else answers there, or a proxy has the server at another address.
    return { problem: answer.status === 404 ? { ...problem, message: `${url}: ${problem.message}` } : problem }
  } catch {
    return { problem: unreachable() }
  }
}

/** The header that shows a key, where there is one. */
export function authorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { Authorization: `Bearer ${key}` }
}

function namesIn(body: string): string[] {
  const found: unknown = JSON.parse(body)
  if (!isRecord(found)) return []
  return recordsAt(found, "data").flatMap((model) => textAt(model, "id") ?? [])
}
