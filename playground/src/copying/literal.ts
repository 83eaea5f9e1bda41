/** JSON values as source text of other languages, safe to paste: what cannot be seen is written as an escape. */

/** Characters that a terminal, an editor or an eye would take for something else. Half of a pair is escaped anyway. */
const UNSEEN = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** JSON over several lines, in ASCII where a character could not be seen. Its value is the one of JSON.stringify. */
export function json(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? "null").replace(UNSEEN, escaped)
}

/** A JavaScript expression. `"__proto__": x` would set the prototype, and not the key of that name. */
export function javascript(value: unknown, indent = 0): string {
  return laid(value, indent, {
    plain: (leaf) => json(leaf),
    key: (name) => (name === "__proto__" ? '["__proto__"]' : json(name)),
  })
}

/** A Python expression. No JSON text can hold half of a surrogate pair once Python has it: U+FFFD takes its place. */
export function python(value: unknown, indent = 0): string {
  const plain = (leaf: unknown) =>
    typeof leaf === "string" ? json(leaf.replace(/\p{Surrogate}/gu, "\ufffd")) : (WORDS.get(leaf) ?? json(leaf))
  return laid(value, indent, { plain, key: plain })
}

const WORDS = new Map<unknown, string>([
  [true, "True"],
  [false, "False"],
  [null, "None"],
])

interface Spelling {
  readonly plain: (leaf: unknown) => string
  readonly key: (name: string) => string
}

function laid(value: unknown, indent: number, spelling: Spelling): string {
  if (typeof value !== "object" || value === null) return spelling.plain(value)
  const inner = indent + 4
  const parts = Array.isArray(value)
    ? value.map((part) => laid(part, inner, spelling))
    : Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .map(([name, part]) => `${spelling.key(name)}: ${laid(part, inner, spelling)}`)
  const [open, close] = Array.isArray(value) ? "[]" : "{}"
  if (parts.length === 0) return `${open}${close}`
  return `${open}\n${parts.map((part) => `${" ".repeat(inner)}${part},\n`).join("")}${" ".repeat(indent)}${close}`
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
}
