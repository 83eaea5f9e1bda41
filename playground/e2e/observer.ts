/** An independent witness: a proxy that notes when each frame of a stream passes it, and changes nothing. */

import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"

/** All in ms, from the arrival of the request on; the stream is taken apart in another way than the page does. */
export interface Observed {
  readonly firstToken: number
  readonly p50: number
  readonly p99: number
  readonly rate: number
  readonly duration: number
  readonly frames: number
  readonly bytes: number
}

export interface Observer {
  readonly url: string
  /** What the last answer came to. */
  last(): Observed
  close(): void
}

interface Passed {
  readonly at: number
  readonly text: string
}

export async function observe(server: string): Promise<Observer> {
  let passed: Passed[] = []
  let end = 0
  const proxy = createServer((from, to) => {
    const began = performance.now()
    const upstream = request(new URL(from.url ?? "/", server), { method: from.method, headers: from.headers })
    const chat = from.url?.endsWith("/chat/completions")
    if (chat) passed = []
    upstream.on("response", (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      to.flushHeaders()
      answer.on("data", (part: Buffer) => {
        to.write(part)
        if (chat) passed.push({ at: performance.now() - began, text: part.toString("latin1") })
      })
      answer.on("end", () => {
        to.end()
        if (chat) end = performance.now() - began
      })
    })
    from.pipe(upstream)
    to.on("close", () => upstream.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  const { port } = proxy.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, last: () => judged(passed, end), close: () => proxy.close() }
}

function judged(passed: readonly Passed[], duration: number): Observed {
  const frames: Passed[] = []
  let rest = ""
  for (const { at, text } of passed) {
    const parts = (rest + text).split("\n\n")
    rest = parts.pop() ?? ""
    frames.push(...parts.map((part) => ({ at, text: part })))
  }
  const tokens = frames.filter(({ text }) => /"(content|reasoning_content|tool_calls)":["[]/.test(text))
  const times = tokens.filter(({ text }) => !text.includes('"content":""')).map(({ at }) => at)
  const gaps = times.slice(1).map((at, place) => at - (times[place] ?? 0))
  gaps.sort((one, other) => one - other)
  const said = Number(frames.map(({ text }) => text.match(/"completion_tokens":(\d+)/)?.[1]).find(Boolean))
  const [first = Number.NaN, last = Number.NaN] = [times[0], times.at(-1)]
  return {
    firstToken: first,
    p50: gaps[Math.ceil(gaps.length * 0.5) - 1] ?? Number.NaN,
    p99: gaps[Math.ceil(gaps.length * 0.99) - 1] ?? Number.NaN,
    rate: (1000 * (said - 1)) / (last - first),
    duration,
    frames: frames.length,
    bytes: frames.reduce((sum, { text }) => sum + text.length + 2, 0),
  }
}
