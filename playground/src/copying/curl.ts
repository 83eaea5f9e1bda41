/** A request as a command for any POSIX shell. */

import { json } from "./literal"
import { type CopiedRequest, KEY_VARIABLE } from "./request"

/** One argument of a command may be 128 KiB long on Linux; a longer body comes through standard input. */
const LONGEST_ARGUMENT = 100_000
const END = "END_OF_BODY"

export function curl({ url, body, keyed }: CopiedRequest): string {
  const text = json(body)
  const long = new TextEncoder().encode(text).length > LONGEST_ARGUMENT
  const lines = [
    `curl -sS -N ${quoted(url)}`,
    `-H ${quoted("Content-Type: application/json")}`,
    ...(keyed ? [`-H "Authorization: Bearer $${KEY_VARIABLE}"`] : []),
    // No line of JSON over several lines is the word that ends it.
    long ? `--data-binary @- <<'${END}'\n${text}\n${END}` : `--data-raw ${quoted(text)}`,
  ]
  return `${lines.join(" \\\n  ")}\n`
}

/** Between single quotes a shell takes everything as it is, but for the quote that ends them. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
