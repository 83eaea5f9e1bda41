/** A server that takes what the copied programs send, and the programs' runs. */

import { spawn } from "node:child_process"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

export interface Received {
  readonly path: string | undefined
  readonly key: string | undefined
  readonly text: string
}

const CHUNK = { id: "1", object: "chat.completion.chunk", created: 1, model: "m" }
const REPLY = { id: "1", object: "chat.completion", created: 1, model: "m" }

export interface Receiver {
  readonly url: string
  /** What came since it was asked last. */
  taken(): Received[]
  close(): void
}

/** Answers each request with the words "it came", streamed where the body asks for it. */
export async function receive(): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const text = await textOf(request)
    received.push({ path: request.url, key: request.headers.authorization, text })
    if (JSON.parse(text).stream === true) {
      const choices = [{ index: 0, delta: { content: "it came" }, finish_reason: "stop" }]
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.end(`data: ${JSON.stringify({ ...CHUNK, choices })}\n\ndata: [DONE]\n\n`)
    } else {
      const choices = [{ index: 0, message: { role: "assistant", content: "it came" }, finish_reason: "stop" }]
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify({ ...REPLY, choices }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/some/path/v1/chat/completions`,
    taken: () => received.splice(0),
    close: () => server.close(),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString("utf8")
}

/** Runs it with nothing on its standard input but this text; resolves with what it printed, rejects where it failed. */
export function run(command: readonly [string, ...string[]], input: string, environment = {}): Promise<string> {
  const [program, ...given] = command
  const child = spawn(program, given, { env: { ...process.env, ...environment } })
  let out = ""
  let err = ""
  child.stdout.on("data", (part) => {
    out += part
  })
  child.stderr.on("data", (part) => {
    err += part
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => (code === 0 && err === "" ? resolve(out) : reject(new Error(`${code}: ${err}`))))
  })
}
