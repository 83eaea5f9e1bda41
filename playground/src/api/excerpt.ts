/** A server's text for people: cut where it is too long to be shown, and told so. */

const HEAD = 16_000
const TAIL = 4_000

/** The text, or its beginning and its end with a line between them that says how much is left out. */
export function excerpt(text: string): string {
  if (text.length <= HEAD + TAIL) return text
  const left = (text.length - HEAD - TAIL).toLocaleString("en")
  return `${text.slice(0, HEAD)}\n… ${left} characters are not shown …\n${text.slice(-TAIL)}`
}
