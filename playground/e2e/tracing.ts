/** How long the page's main thread works for each frame that it draws, as the browser's own tracing tells it. */

import type { Page } from "@playwright/test"

/** Ms for each frame, in ascending order: by the clock, and of the processor alone. */
export interface Work {
  readonly wall: readonly number[]
  readonly processor: readonly number[]
}

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** In µs: its begin, how long it took, and how long it had the processor. */
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/**
 * Records for so long. A frame's work is all that the main thread did since the frame before it was handed on: reads of
 * the stream, scripts, styles, layout and painting. It may be longer than a display's frame: then frames
 * are dropped. By the clock it holds what other processes took from it, too.
 */
export async function workPerFrame(page: Page, milliseconds: number): Promise<Work> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const includedCategories = ["disabled-by-default-devtools.timeline"]
  await session.send("Tracing.start", { traceConfig: { includedCategories, excludedCategories: ["*"] } })
  await page.waitForTimeout(milliseconds)
  const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve))
  await session.send("Tracing.end")
  await complete
  await session.detach()
  return worked(events)
}

/** The value that so large a share does not exceed. */
export function share(ascending: readonly number[], part: number): number {
  return ascending[Math.ceil(ascending.length * part) - 1] ?? Number.NaN
}

function worked(events: readonly TraceEvent[]): Work {
  const main = events.find(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
  const own = events.filter(({ pid, tid }) => pid === main?.pid && tid === main?.tid)
  own.sort((one, other) => one.ts - other.ts)
  const frames: { wall: number; processor: number }[] = [{ wall: 0, processor: 0 }]
  let now = frames[0]
  let handedOn = false
  for (const { name, dur = 0, tdur = 0 } of own) {
    if (name === "Commit") handedOn = true // it lies within a task, which began before it
    if (name !== "RunTask" || !now) continue
    if (handedOn) {
      now = { wall: 0, processor: 0 }
      frames.push(now)
      handedOn = false
    }
    now.wall += dur / 1000
    now.processor += tdur / 1000
  }
  const whole = frames.slice(1, -1) // the first and the last are recorded in part
  const ascending = (numbers: number[]) => numbers.sort((one, other) => one - other)
  return {
    wall: ascending(whole.map((frame) => frame.wall)),
    processor: ascending(whole.map((frame) => frame.processor)),
  }
}
