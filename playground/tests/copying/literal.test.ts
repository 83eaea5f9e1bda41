import { expect, test } from "vitest"
import { javascript, json, python } from "../../src/copying/literal"

test("nothing that cannot be seen stays in a copy", () => {
  expect(json("a\u2028b\u202ec\u0085\ufeff")).toBe('"a\\u2028b\\u202ec\\u0085\\ufeff"')
})

test("JSON keeps its value, whatever is escaped", () => {
  const value = { "\u200b": ["\u2029", "é😀", "\ud800", 1e21, null] }
  expect(JSON.parse(json(value))).toEqual(value)
})

test("a Python expression has Python's own words", () => {
  expect(python({ a: [true, false, null, 1.5], b: {}, c: [] })).toBe(
    '{\n    "a": [\n        True,\n        False,\n        None,\n        1.5,\n    ],\n    "b": {},\n    "c": [],\n}',
  )
})

test("a JavaScript expression has a key of a prototype's name as a key", () => {
  const value = JSON.parse('{"__proto__": {"a": 1}, "b": ["__proto__"]}')
  const read = new Function(`return ${javascript(value)}`)()
  expect(JSON.stringify(read)).toBe(JSON.stringify(value))
})

test("what is undefined is left out, as JSON leaves it out", () => {
  expect(python({ a: undefined, b: 1 })).toBe('{\n    "b": 1,\n}')
  expect(javascript({ a: undefined, b: 1 })).toBe('{\n    "b": 1,\n}')
})
