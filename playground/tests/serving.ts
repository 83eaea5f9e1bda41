/** A real server of a test's own, for what the page asks. */

import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

const servers: Server[] = []

/** Serves until `endServers`, and gives its base URL. */
export async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Ends all servers, with what is open. */
export async function endServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

export const SSE = { "Content-Type": "text/event-stream; charset=utf-8" }

/** A frame of an answer with that delta. */
export function frame(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
}

/** A whole answer that says a text. */
export function say(response: ServerResponse, text: string): void {
  response.writeHead(200, SSE)
  response.end(`${frame({ role: "assistant" })}${frame({ content: text })}${frame({}, "stop")}data: [DONE]\n\n`)
}
