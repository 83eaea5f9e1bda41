/** What a person may set about requests, as they wrote it, and the fields of a body that it becomes. */

import { isRecord } from "../api/json"

/** All as text: what is half written is kept, too. */
export interface Settings {
  readonly system: string
  readonly temperature: string
  readonly top_p: string
  readonly max_completion_tokens: string
  readonly seed: string
  readonly stop: string
  readonly tools: string
  readonly schema: string
  readonly extra: string
}

export type Name = keyof Settings

/** What each is called on the page. */
export const LABELS: Readonly<Record<Name, string>> = {
  system: "System message",
  temperature: "Temperature",
  top_p: "Top p",
  max_completion_tokens: "Max tokens",
  seed: "Seed",
  stop: "Stop sequences",
  tools: "Tools",
  schema: "JSON schema",
  extra: "Extra body",
}

export const EMPTY: Settings = {
  system: "",
  temperature: "",
  top_p: "",
  max_completion_tokens: "",
  seed: "",
  stop: "",
  tools: "",
  schema: "",
  extra: "",
}

/** The fields, and what is wrong with those that cannot be read. */
export interface Fields {
  readonly fields: Readonly<Record<string, unknown>>
  readonly faults: Readonly<Partial<Record<Name, string>>>
}

type Read = { readonly value: unknown } | { readonly fault: string }

const READERS: { readonly [name in Exclude<Name, "system">]: (text: string) => Read } = {
  temperature: (text) => numberIn(text, false),
  top_p: (text) => numberIn(text, false),
  max_completion_tokens: (text) => numberIn(text, true),
  seed: (text) => numberIn(text, true),
  stop: (text) => ({ value: text.split("\n").filter((line) => line !== "") }),
  tools: (text) => json(text, "A list of tools", Array.isArray),
  schema: (text) => json(text, "A JSON schema", (value) => isRecord(value)),
  extra: (text) => json(text, "An object of further fields", (value) => isRecord(value)),
}

/** Reads all settings. An empty one is left out, so that the program decides. */
export function fieldsOf(settings: Settings): Fields {
  const fields: Record<string, unknown> = {}
  const faults: Partial<Record<Name, string>> = {}
  for (const name of Object.keys(READERS) as (keyof typeof READERS)[]) {
    if (settings[name].trim() === "") continue
    const read = READERS[name](settings[name])
    if ("fault" in read) faults[name] = read.fault
    else if (name === "extra") Object.assign(fields, read.value)
    else if (name === "schema") fields.response_format = formatOf(read.value)
    else fields[name] = read.value
  }
  return { fields, faults }
}

function formatOf(schema: unknown): unknown {
  const title = isRecord(schema) && typeof schema.title === "string" ? schema.title : ""
  const name = title.replace(/[^\w-]+/g, "_").slice(0, 64) || "answer"
  return { type: "json_schema", json_schema: { name, schema, strict: true } }
}

function numberIn(text: string, whole: boolean): Read {
  const value = Number(text)
  if (!Number.isFinite(value)) return { fault: "This is no number." }
  return whole && !Number.isSafeInteger(value) ? { fault: "This is no whole number." } : { value }
}

function json(text: string, what: string, fits: (value: unknown) => boolean): Read {
  try {
    const value: unknown = JSON.parse(text)
    return fits(value) ? { value } : { fault: `${what} is wanted here.` }
  } catch (error) {
    return { fault: error instanceof Error ? `No JSON: ${error.message}` : "No JSON." }
  }
}
