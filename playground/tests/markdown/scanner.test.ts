import { expect, test } from "vitest"
import type { Part } from "../../src/markdown/parts"
import { Scanner } from "../../src/markdown/scanner"

/** Processor time of this process so far, in ms: what else runs on a loaded machine does not count. */
function spent(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** The parts of a text that comes in pieces of one size, neighbours of one kind joined. */
function scanned(text: string, size = text.length || 1): Part[] {
  const scanner = new Scanner()
  const parts: Part[] = []
  for (let place = 0; place < text.length; place += size) {
    parts.push(...scanner.feed(text.slice(place, place + size)), ...scanner.settle())
  }
  return joined([...parts, ...scanner.end()])
}

function joined(parts: Part[]): Part[] {
  const result: Part[] = []
  for (const part of parts) {
    const last = result.at(-1)
    if ((part.kind === "code" || part.kind === "plain") && last?.kind === part.kind) {
      result.splice(-1, 1, { kind: part.kind, text: last.text + part.text })
    } else result.push(part)
  }
  return result
}

const texts = (parts: Part[]) => parts.map((part) => ("source" in part ? part.source : "text" in part ? part.text : ""))

test("blocks are finished one by one, and the last one is the tail", () => {
  const scanner = new Scanner()
  expect(scanner.feed("# Title\n\nOne\ntwo\n\nThree")).toEqual([])
  expect(scanner.settle()).toEqual([{ kind: "prose", source: "# Title\n\nOne\ntwo\n\n" }])
  expect(scanner.tail).toBe("Three")
  expect(scanner.end()).toEqual([{ kind: "prose", source: "Three" }])
})

for (const fence of ["```", "~~~~"]) {
  for (const size of [1, 2, 3, 7, 1000]) {
    test(`code between ${fence} goes out as it comes, in pieces of ${size}`, () => {
      const code = "def f():\n    return '``'\n\n  `` x\n``"
      const parts = scanned(`Look:\n\n${fence}python\n${code}\n${fence}\n\nSo.`, size)
      expect(parts.slice(0, -1)).toEqual([
        { kind: "prose", source: "Look:\n\n" },
        { kind: "fence", language: "python" },
        { kind: "code", text: code },
        { kind: "close" },
      ])
      expect(texts(parts).at(-1)?.trim()).toBe("So.")
    })
  }
}

test("an open block of code is code, and a closing fence at the very end closes it", () => {
  expect(scanned("```js\nlet a\n")).toEqual([
    { kind: "fence", language: "js" },
    { kind: "code", text: "let a" },
    { kind: "close" },
  ])
  expect(scanned("```js\nlet a\n```", 1)).toEqual(scanned("```js\nlet a\n"))
})

test("an empty block of code has no code", () => {
  expect(scanned("```\n```\nx", 1)).toEqual([
    { kind: "fence", language: "" },
    { kind: "close" },
    { kind: "prose", source: "x" },
  ])
})

test("line ends are all alike, also those that are cut", () => {
  expect(scanned("a\r\n\r\n```\r\nb\r\n```\r\n", 1)).toEqual(scanned("a\n\n```\nb\n```\n"))
})

for (const [name, text] of Object.entries({
  "one paragraph": "word ".repeat(20_000),
  "one word": "w".repeat(100_000),
  "one-token items": "- a\n".repeat(100_000),
  "numbered items": Array.from({ length: 20_000 }, (_, place) => `${place + 1}. b\n`).join(""),
  backticks: "`".repeat(100_000),
  brackets: "[".repeat(100_000),
  "closed brackets": "[a](".repeat(25_000),
  stars: "*a **b ".repeat(20_000),
  quotes: ">".repeat(100_000),
  "quotes of lines": "> > > > > > > a\n".repeat(10_000),
  "nested lists": Array.from({ length: 400 }, (_, place) => `${"  ".repeat(place)}- a\n`).join(""),
  "lists in a line": "- ".repeat(50_000),
  spaces: " ".repeat(200_000),
  "empty lines": "\n".repeat(200_000),
  "entities and tags": "<a &amp;".repeat(20_000),
  pipes: "|a".repeat(50_000),
  "rows of many columns": `${"|a".repeat(300)}\n${"|-".repeat(300)}\n${"a\n".repeat(20_000)}`,
  "rows of many columns in a quote": `> ${"|a".repeat(1500)}\n> ${"|-".repeat(1500)}\n${"> a\n".repeat(10_000)}`,
  "indented code": "    x\n".repeat(30_000),
})) {
  test(`${name} without an end hold no more than a block, and cost little at any time`, () => {
    const scanner = new Scanner()
    let longest = 0
    let slowest = 0
    let said = 0
    for (let place = 0; place < text.length; place += 1500) {
      const start = spent()
      const parts = [...scanner.feed(text.slice(place, place + 1500)), ...scanner.settle()]
      slowest = Math.max(slowest, spent() - start)
      longest = Math.max(longest, scanner.tail.length)
      said += texts(parts).join("").length
    }
    said += texts(scanner.end()).join("").length
    expect(longest).toBeLessThan(16_000)
    expect(slowest).toBeLessThan(120)
    if (text.trim() !== "") expect(said).toBeGreaterThan(text.length * 0.95)
  })
}

test("a long list is cut between its items, and numbers go on", () => {
  const parts = scanned(Array.from({ length: 2000 }, (_, place) => `${place + 1}. item\n`).join(""), 40)
  expect(parts.length).toBeGreaterThan(3)
  expect(parts.every((part) => part.kind === "prose" && /^\d+\. item/.test(part.source))).toBe(true)
  expect(texts(parts).join("").match(/item/g)).toHaveLength(2000)
})

test("a long table is cut between its rows, each part under the same head", () => {
  const head = "| a | b |\n|---|---|\n"
  const parts = scanned(head + "| 1 | 2 |\n".repeat(10_000), 64)
  expect(parts.length).toBeGreaterThan(3)
  expect(texts(parts).every((source) => source.startsWith(head))).toBe(true)
  expect(
    texts(parts)
      .join("")
      .match(/\| 1 \| 2 \|/g),
  ).toHaveLength(10_000)
})

test("what became plain text is Markdown again after an empty line", () => {
  const parts = scanned(`${"`".repeat(5000)}\nstill plain\n\n# Title`, 100)
  expect(parts.map((part) => part.kind)).toEqual(["plain", "close", "prose"])
  expect(texts(parts)[0]).toContain("still plain")
  expect(texts(parts)[2]).toBe("# Title")
})
