/** What `mserve dev` tells of the files that it watches; any other server has nothing to tell. */

import { dataOf } from "./chunk"
import { isRecord, type JsonObject } from "./json"
import { authorization } from "./models"
import { pause } from "./pause"
import { Splitter } from "./split"

/** What is known of the program that is being edited. */
export type Edit =
  | { readonly is: "serving"; readonly programs: readonly string[] }
  | { readonly is: "edited"; readonly files: readonly string[] }
  | { readonly is: "failed"; readonly reason: string }

/** Pauses between two looks, in ms: a version that takes over is soon there, a server that is gone may stay so. */
const PAUSES = [250, 500, 1000, 2000, 5000]

/** Listens until `signal` ends it. Where the server is not `mserve dev`, it asks once. */
export async function listen(
  base: string,
  key: string | undefined,
  signal: AbortSignal,
  heard: (edit: Edit) => void,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const answer = await fetch(`${base}dev/events`, { headers: authorization(key), signal })
      if (answer.status === 204 || answer.status === 404 || answer.status === 401 || answer.status === 405) return
      if (answer.ok && answer.body && (await readAll(answer.body, heard))) failures = -1
    } catch {
      // It is asked again.
    }
    await pause(PAUSES[Math.min(Math.max(failures, 0), PAUSES.length - 1)] as number, signal)
  }
}

/** Whether anything was heard before the stream ended, as it does whenever a new version takes over. */
async function readAll(body: ReadableStream<Uint8Array>, heard: (edit: Edit) => void): Promise<boolean> {
  const splitter = new Splitter()
  const reader = body.getReader()
  let any = false
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return any
      for (const { raw } of splitter.push(value)) {
        const edit = editOf(dataOf(raw))
        any ||= edit !== undefined
        if (edit) heard(edit)
      }
    }
  } catch {
    return any
  }
}

function editOf(data: string | undefined): Edit | undefined {
  if (data === undefined) return undefined
  const told: unknown = parsed(data)
  if (!isRecord(told)) return undefined
  if (told.type === "serving") return { is: "serving", programs: texts(told, "programs") }
  if (told.type === "edited") return { is: "edited", files: texts(told, "files") }
  return told.type === "failed" ? { is: "failed", reason: String(told.reason ?? "") } : undefined
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function texts(told: JsonObject, name: string): string[] {
  const found = told[name]
  return Array.isArray(found) ? found.map(String) : []
}
