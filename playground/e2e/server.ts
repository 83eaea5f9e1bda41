/** A real server in a process of its own, on a free port. */

import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

const COMMAND = (process.env.MSERVE ?? join(import.meta.dirname, "../../.venv/bin/mserve")).split(" ")
const PATIENCE = 30_000

export interface Server {
  /** With a slash at its end. */
  readonly url: string
  /** All that it printed. */
  log(): string
  stop(): Promise<void>
}

/** Where a program of these tests lies. */
export function program(name: string): string {
  return join(import.meta.dirname, "programs", name)
}

/** Resolves once it answers; what it says until then is in the error where it does not. */
export async function start(words: readonly string[], environment: Record<string, string> = {}): Promise<Server> {
  const [file = "", ...given] = COMMAND
  const env = { ...process.env, PYTHONUNBUFFERED: "1", NO_COLOR: "1", MSERVE_STORE: "none", ...environment }
  const child = spawn(file, [...given, ...words, "--port", "0"], { env })
  let log = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      log += part
    })
  }
  const url = await untilReady(child, () => log)
  return { url, log: () => log, stop: () => end(child) }
}

async function untilReady(child: ChildProcess, log: () => string): Promise<string> {
  for (const until = Date.now() + PATIENCE; Date.now() < until; ) {
    const url = log().match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0]
    if (url && (await answers(`${url}health/ready`))) return url
    if (child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await end(child)
  throw new Error(`It did not start: ${log().slice(-2000)}`)
}

/** With keys it tells nobody whether it is ready; then it is there, at least. */
async function answers(url: string): Promise<boolean> {
  try {
    const { ok, status } = await fetch(url)
    return ok || status === 401
  } catch {
    return false
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000)
  await ended
  clearTimeout(timer)
}
