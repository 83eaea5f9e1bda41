/** JSON that nobody vouches for, and how to look into it. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type JsonObject = { readonly [name: string]: Json }

/** Whether it is an object of JSON, and no list. */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The text of that name, where it is one. */
export function textAt(value: JsonObject, name: string): string | undefined {
  const found = value[name]
  return typeof found === "string" ? found : undefined
}

/** The object of that name, where it is one. */
export function recordAt(value: JsonObject, name: string): JsonObject | undefined {
  const found = value[name]
  return isRecord(found) ? found : undefined
}

/** The objects in the list of that name; none where it is no list. */
export function recordsAt(value: JsonObject, name: string): JsonObject[] {
  const found = value[name]
  return Array.isArray(found) ? found.filter(isRecord) : []
}
