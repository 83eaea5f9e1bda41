// @vitest-environment node

import { afterEach, expect, test } from "vitest"
import { type Edit, listen } from "../../src/api/development"
import { endServers, SSE, serving } from "../serving"

afterEach(endServers)

const told = (message: object) => `data: ${JSON.stringify(message)}\n\n`

test("edits are heard, and a stream that ended is asked for again", async () => {
  let asked = 0
  const base = await serving((request, response) => {
    asked += 1
    expect(request.headers.authorization).toBe("Bearer k")
    response.writeHead(200, SSE)
    if (asked === 1) {
      response.write(`: hi\n\n${told({ type: "serving", programs: ["a"] })}${told({ type: "else" })}data: x\n\n`)
      response.end(told({ type: "edited", files: ["a.py"] }))
    } else response.write(told({ type: "failed", reason: "SyntaxError\nline 2" }))
  })
  const heard: Edit[] = []
  const end = new AbortController()
  await listen(base, "k", end.signal, (edit) => {
    heard.push(edit)
    if (edit.is === "failed") end.abort()
  })
  expect(heard).toEqual([
    { is: "serving", programs: ["a"] },
    { is: "edited", files: ["a.py"] },
    { is: "failed", reason: "SyntaxError\nline 2" },
  ])
})

test.each([204, 404])("a server that is not mserve dev is asked once: %i", async (status) => {
  let asked = 0
  const base = await serving((_request, response) => {
    asked += 1
    response.writeHead(status).end()
  })
  await listen(base, undefined, new AbortController().signal, () => {})
  expect(asked).toBe(1)
})

test("a server that is away for a while is asked again", async () => {
  let asked = 0
  const end = new AbortController()
  const base = await serving((_request, response) => {
    asked += 1
    if (asked < 3) response.destroy()
    else response.writeHead(200, SSE).write(told({ type: "serving", programs: [] }))
  })
  await listen(base, undefined, end.signal, () => end.abort())
  expect(asked).toBe(3)
})
