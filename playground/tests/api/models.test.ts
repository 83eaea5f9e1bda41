// @vitest-environment node

import { afterEach, expect, test } from "vitest"
import { programs } from "../../src/api/models"
import { endServers, serving } from "../serving"

afterEach(endServers)

test("the programs are asked for with the key, and told by their names", async () => {
  const seen: unknown[] = []
  const base = await serving((request, response) => {
    seen.push([request.url, request.headers.authorization])
    response.end('{"object":"list","data":[{"id":"a"},{"id":"b"},{"id":1},2]}')
  })
  expect(await programs(base, "k")).toEqual({ names: ["a", "b"] })
  expect(seen).toEqual([["/v1/models", "Bearer k"]])
})

test("a refusal is told, and so is that nobody answers", async () => {
  const base = await serving((_request, response) => response.writeHead(401).end('{"error":{"message":"No key."}}'))
  expect(await programs(base, undefined)).toMatchObject({ problem: { status: 401, message: "No key." } })
  await endServers()
  expect(await programs(base, undefined)).toMatchObject({ problem: { how: "unreachable" } })
})

test("where nothing is found, it is told where that was", async () => {
  const base = await serving((_request, response) => response.writeHead(404).end("<h1>Not found</h1>"))
  const message = `${base}v1/models: The server answered with the status 404.`
  expect(await programs(base, undefined)).toMatchObject({ problem: { status: 404, message } })
})

test("what is no list has no programs", async () => {
  const base = await serving((_request, response) => response.end("[]"))
  expect(await programs(base, undefined)).toEqual({ names: [] })
})
