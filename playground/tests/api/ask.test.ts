// @vitest-environment node

import { afterEach, expect, test } from "vitest"
import { ask, type Listener } from "../../src/api/ask"
import type { Chunk } from "../../src/api/chunk"
import type { Exchange, Frame } from "../../src/api/frame"
import { endServers, frame, SSE, serving } from "../serving"

afterEach(endServers)

class Heard implements Listener {
  readonly states: Exchange[] = []
  readonly chunks: Chunk[] = []
  onFrame: (frame: Frame) => void = () => {}

  changed(exchange: Exchange) {
    this.states.push(exchange)
  }

  heard(chunk: Chunk, frame: Frame) {
    this.chunks.push(chunk)
    this.onFrame(frame)
  }

  get last(): Exchange {
    return this.states.at(-1) as Exchange
  }
}

async function asked(url: string, heard: Heard, { key, signal }: { key?: string; signal?: AbortSignal } = {}) {
  const body = { model: "m", stream: true }
  return ask({ url, body, key, signal: signal ?? new AbortController().signal }, heard)
}

const text = (content: string) => frame({ content })

test("a whole answer comes frame by frame, and its exchange goes from waiting to whole", async () => {
  const url = await serving((_request, response) => {
    response.writeHead(200, SSE).end(`${text("He")}${text("llo")}data: [DONE]\n\n`)
  })
  const heard = new Heard()
  expect(await asked(url, heard)).toBeUndefined()
  expect(heard.states.map((state) => state.outcome)).toEqual(["waiting", "streaming", "whole"])
  expect(heard.last.frames.map((frame) => [frame.index, frame.kind])).toEqual([
    [0, "text"],
    [1, "text"],
    [2, "done"],
  ])
  expect(heard.chunks.map((chunk) => chunk.text)).toEqual(["He", "llo", ""])
  expect(heard.last.status).toBe(200)
})

test("a frame has the time of the read that ended it, and frames of one read have one time", async () => {
  let released = () => {}
  const url = await serving((_request, response) => {
    response.writeHead(200, SSE)
    response.write(`${text("a")}${text("b")}data: {`)
    released = () => response.end("}\n\ndata: [DONE]\n\n")
  })
  const heard = new Heard()
  heard.onFrame = (frame) => frame.index === 1 && setTimeout(released, 100)
  await asked(url, heard)
  const [first, second, third] = heard.last.frames as [Frame, Frame, Frame]
  expect(second.read).toBe(first.read)
  expect(second.at).toBe(first.at)
  expect(third.read).toBeGreaterThan(second.read)
  expect(third.at - second.at).toBeGreaterThan(90)
  expect(first.at).toBeGreaterThanOrEqual(heard.last.headAt ?? Infinity)
  expect(heard.last.endAt).toBeGreaterThanOrEqual(third.at)
})

test("the body and the key are sent as they are; without a key there is no header", async () => {
  const seen: unknown[] = []
  const url = await serving(async (request, response) => {
    let body = ""
    for await (const piece of request) body += piece
    seen.push([request.headers.authorization, request.headers["content-type"], JSON.parse(body)])
    response.writeHead(200, SSE).end("data: [DONE]\n\n")
  })
  await asked(url, new Heard(), { key: "secret" })
  await asked(url, new Heard())
  expect(seen).toEqual([
    ["Bearer secret", "application/json", { model: "m", stream: true }],
    [undefined, "application/json", { model: "m", stream: true }],
  ])
})

test("a refusal tells the server's own words", async () => {
  const error = { message: "messages: none", type: "invalid_request_error", param: "messages", code: "bad" }
  const url = await serving((_request, response) => response.writeHead(400).end(JSON.stringify({ error })))
  const heard = new Heard()
  expect(await asked(url, heard)).toEqual({
    message: "messages: none",
    how: "refused",
    status: 400,
    code: "bad",
    param: "messages",
  })
  expect(heard.last).toMatchObject({ outcome: "failed", status: 400, frames: [] })
})

test("a refusal without words tells its status", async () => {
  const url = await serving((_request, response) => response.writeHead(502).end("<h1>Bad gateway</h1>"))
  expect(await asked(url, new Heard())).toMatchObject({
    how: "refused",
    status: 502,
    message: "The server answered with the status 502.",
  })
})

test("an error in the stream fails the answer, though it is followed by its end", async () => {
  const url = await serving((_request, response) => {
    response.writeHead(200, SSE).end(`${text("a")}data: {"error":{"message":"Oh"}}\n\ndata: [DONE]\n\n`)
  })
  const heard = new Heard()
  expect(await asked(url, heard)).toMatchObject({ how: "failed", message: "Oh" })
  expect(heard.last.outcome).toBe("failed")
})

for (const [how, end] of [
  ["ends", (response: { end(): void }) => response.end()],
  ["breaks", (response: { destroy(): void }) => response.destroy()],
] as const) {
  test(`a connection that ${how} before its answer is lost`, async () => {
    const url = await serving((_request, response) => {
      response.writeHead(200, SSE)
      response.write(text("a"), () => setTimeout(() => end(response), 20))
    })
    const heard = new Heard()
    expect(await asked(url, heard)).toMatchObject({ how: "lost" })
    expect(heard.last).toMatchObject({ outcome: "failed", status: 200 })
    expect(heard.last.frames).toHaveLength(1)
  })
}

/** Says these frames, and breaks the connection a little later. */
function broken(...frames: string[]): Promise<string> {
  return serving((_request, response) => {
    response.writeHead(200, SSE)
    response.write(frames.join(""), () => setTimeout(() => response.destroy(), 20))
  })
}

test("what an error in the stream said is told, though the connection breaks behind it", async () => {
  const heard = new Heard()
  const url = await broken(text("a"), 'data: {"error":{"message":"Oh"}}\n\n')
  expect(await asked(url, heard)).toMatchObject({ how: "failed", message: "Oh" })
  expect(heard.last.outcome).toBe("failed")
})

test("an answer is whole with its end, however the connection ends behind it", async () => {
  const heard = new Heard()
  expect(await asked(await broken(text("a"), "data: [DONE]\n\n"), heard)).toBeUndefined()
  expect(heard.last.outcome).toBe("whole")
})

test("of a refusal without an end no more is read than a message may need", async () => {
  let sent = 0
  const url = await serving((_request, response) => {
    response.writeHead(500)
    const more = () => {
      sent += 65_536
      if (sent < 64_000_000) response.write(" ".repeat(65_536), (error) => !error && setImmediate(more))
    }
    more()
  })
  expect(await asked(url, new Heard())).toMatchObject({ how: "refused", status: 500 })
  expect(sent).toBeLessThan(32_000_000)
})

for (const [where, status, head, body] of [
  ["a refusal", 400, {}, (error: object) => JSON.stringify({ error })],
  ["a stream", 200, SSE, (error: object) => `data: ${JSON.stringify({ error })}\n\n`],
] as const) {
  test(`of a very long message in ${where} the start and the end are told`, async () => {
    const error = { message: `first${"x".repeat(500_000)}last`, code: "c".repeat(5_000), param: "p".repeat(5_000) }
    const url = await serving((_request, response) => response.writeHead(status, head).end(body(error)))
    const problem = await asked(url, new Heard())
    expect(problem?.message).toMatch(/^firstx+\n… 480,?009 characters are not shown …\nx+last$/)
    expect([problem?.code?.length, problem?.param?.length].every((length = 0) => length > 9 && length < 300)).toBe(true)
  })
}

test("who cannot be reached is told of", async () => {
  const url = await serving(() => {})
  await endServers()
  const heard = new Heard()
  expect(await asked(url, heard)).toMatchObject({ how: "unreachable" })
  expect(heard.last).toMatchObject({ outcome: "failed", status: undefined, headAt: undefined })
})

test("an answer that is no stream is told of", async () => {
  const url = await serving((_request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("hi"))
  expect(await asked(url, new Heard())).toMatchObject({ message: expect.stringContaining("text/html") })
})

test("who stops has no problem, and keeps what came", async () => {
  const url = await serving((_request, response) => void response.writeHead(200, SSE).write(text("a")))
  const stop = new AbortController()
  const heard = new Heard()
  heard.onFrame = () => stop.abort()
  expect(await asked(url, heard, { signal: stop.signal })).toBeUndefined()
  expect(heard.last.outcome).toBe("stopped")
  expect(heard.last.frames).toHaveLength(1)
})

test("who stops before anything came has no problem either", async () => {
  const stop = new AbortController()
  const url = await serving(() => stop.abort())
  const heard = new Heard()
  expect(await asked(url, heard, { signal: stop.signal })).toBeUndefined()
  expect(heard.last.outcome).toBe("stopped")
})
