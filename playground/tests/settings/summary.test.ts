// @vitest-environment node

import { expect, test } from "vitest"
import { SCHEMA, TOOLS } from "../../src/settings/examples"
import { EMPTY, fieldsOf, type Settings } from "../../src/settings/fields"
import { faultsIn, summary } from "../../src/settings/summary"

function said(settings: Partial<Settings>) {
  const all = { ...EMPTY, ...settings }
  return [summary(all, fieldsOf(all)), faultsIn(fieldsOf(all))]
}

test("the settings in force are said in a few words", () => {
  expect(said({})).toEqual([undefined, undefined])
  expect(said({ schema: SCHEMA, tools: TOOLS, temperature: " .20" })[0]).toBe("Schema, 1 tool, temperature 0.2")
  expect(said({ system: "Be brief.", top_p: "1", max_completion_tokens: "9", seed: "7" })[0]).toBe(
    "System message, top p 1, max tokens 9, seed 7",
  )
  expect(said({ stop: "a\nb", extra: '{"reasoning_effort": "low", "n": 2}', tools: "[]" })[0]).toBe(
    "0 tools, 2 stop sequences, reasoning_effort, n",
  )
  expect(said({ extra: "{}", system: " " })[0]).toBeUndefined()
})

test("a setting with a fault is named, and is not in force", () => {
  expect(said({ temperature: "warm", seed: "7", extra: "{" })).toEqual([
    "Seed 7",
    "Settings with a fault: Temperature, Extra body",
  ])
})
