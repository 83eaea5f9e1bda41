/** Says in a few words which settings are in force, for who does not see them. */

import { isRecord } from "../api/json"
import { type Fields, LABELS, type Name, type Settings } from "./fields"

/** Undefined where none is; what has a fault is in force nowhere. */
export function summary(settings: Settings, { fields, faults }: Fields): string | undefined {
  const inForce = (name: Name) => settings[name].trim() !== "" && !(name in faults)
  const parts = (Object.keys(WORDS) as Name[]).filter(inForce).map((name) => WORDS[name](settings[name], fields))
  const said = parts.filter((part) => part !== "").join(", ")
  return said === "" ? undefined : said.charAt(0).toUpperCase() + said.slice(1)
}

/** Why no request can be made of the settings; undefined where one can. */
export function faultsIn({ faults }: Fields): string | undefined {
  const names = (Object.keys(faults) as Name[]).map((name) => LABELS[name])
  if (names.length === 0) return undefined
  return `Settings with a fault: ${names.join(", ")}`
}

type Words = (text: string, fields: Fields["fields"]) => string

const NUMBER = (label: string): Words => {
  return (text) => `${label} ${Number(text)}`
}

/** In the order of what changes an answer most. */
const WORDS: Readonly<Record<Name, Words>> = {
  system: () => "system message",
  schema: () => "schema",
  tools: (_, { tools }) => counted(Array.isArray(tools) ? tools.length : 0, "tool"),
  temperature: NUMBER("temperature"),
  top_p: NUMBER("top p"),
  max_completion_tokens: NUMBER("max tokens"),
  seed: NUMBER("seed"),
  stop: (_, { stop }) => counted(Array.isArray(stop) ? stop.length : 0, "stop sequence"),
  extra: (text) => namesIn(text),
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`
}

function namesIn(json: string): string {
  const extra: unknown = JSON.parse(json)
  return isRecord(extra) ? Object.keys(extra).join(", ") : ""
}
