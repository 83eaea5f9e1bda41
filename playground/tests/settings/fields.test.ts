import { expect, test } from "vitest"
import { SCHEMA, TOOLS } from "../../src/settings/examples"
import { EMPTY, fieldsOf, type Settings } from "../../src/settings/fields"

const read = (settings: Partial<Settings>) => fieldsOf({ ...EMPTY, ...settings })

test("what nobody set is left out", () => {
  expect(read({ temperature: "  ", system: "x" })).toEqual({ fields: {}, faults: {} })
})

test("settings become the fields of a body", () => {
  const texts = { temperature: "0", top_p: ".9", max_completion_tokens: "10", seed: "-1", stop: "a b\n\nc\n" }
  expect(read(texts).fields).toEqual({
    temperature: 0,
    top_p: 0.9,
    max_completion_tokens: 10,
    seed: -1,
    stop: ["a b", "c"],
  })
})

test("a schema becomes a response format that has its title as a name", () => {
  const format = (schema: object) => read({ schema: JSON.stringify(schema) }).fields.response_format
  expect(format({ title: "A place!" })).toEqual({
    type: "json_schema",
    json_schema: { name: "A_place_", schema: { title: "A place!" }, strict: true },
  })
  expect(format({})).toMatchObject({ json_schema: { name: "answer" } })
})

test("extra fields come last, and win", () => {
  expect(read({ temperature: "1", extra: '{"temperature": 2, "x": [1]}' }).fields).toEqual({ temperature: 2, x: [1] })
})

test("what cannot be read is told, and left out", () => {
  const { fields, faults } = read({
    temperature: "warm",
    seed: "1.5",
    max_completion_tokens: "1e99",
    tools: "{}",
    schema: "[]",
    extra: "{a",
    top_p: "1",
  })
  expect(fields).toEqual({ top_p: 1 })
  expect(Object.keys(faults).sort()).toEqual([
    "extra",
    "max_completion_tokens",
    "schema",
    "seed",
    "temperature",
    "tools",
  ])
  expect(faults.tools).toBe("A list of tools is wanted here.")
  expect(faults.extra).toMatch(/^No JSON: /)
})

test("the examples have no fault", () => {
  expect(read({ tools: TOOLS, schema: SCHEMA }).faults).toEqual({})
})
