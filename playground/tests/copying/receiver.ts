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

const WORDS = { content: "it came" }
/** Two calls, and how they come in pieces. */
const call = (index: number, name: string, given: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name, arguments: given },
})
const CALLS = { content: null, tool_calls: [call(0, "weather", '{"city": "Lisbon"}'), call(1, "time", "{}")] }
const PIECES = [
  { role: "assistant", content: null },
  { tool_calls: [call(0, "weather", "")] },
  { tool_calls: [{ index: 0, function: { arguments: '{"city": ' } }] },
  { tool_calls: [{ index: 0, function: { arguments: '"Lisbon"}' } }] },
  { tool_calls: [call(1, "time", "{}")] },
  { tool_calls: [{ index: 2, id: "call_2", type: "custom", custom: { name: "none", input: "" } }] },
]

/** Answers with the words "it came", or with two calls where the model is "caller"; streamed where it is asked for. */
export async function receive(): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const text = await textOf(request)
    received.push({ path: request.url, key: request.headers.authorization, text })
    const { stream, model } = JSON.parse(text)
    const calls = model === "caller"
    if (stream === true) {
      const frames = (calls ? PIECES : [WORDS]).map((delta) => {
        const choices = [{ index: 0, delta, finish_reason: null }]
        return `data: ${JSON.stringify({ ...CHUNK, choices })}\n\n`
      })
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.end(`${frames.join("")}data: [DONE]\n\n`)
    } else {
      const message = { role: "assistant", ...(calls ? CALLS : WORDS) }
      const choices = [{ index: 0, message, finish_reason: "stop" }]
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
