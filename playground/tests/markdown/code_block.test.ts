import { expect, test, vi } from "vitest"
import { CodeBlock, copyCode } from "../../src/markdown/code_block"
import { coloured } from "../../src/markdown/highlight"

test("a button copies the code of its block alone, and says so", async () => {
  const written: string[] = []
  vi.spyOn(navigator.clipboard, "writeText").mockImplementation(async (text) => void written.push(text))
  const block = new CodeBlock("js")
  block.append("let a = 1\n")
  block.append("let b = '<b>'")
  block.close()
  const button = block.element.querySelector("button")
  await copyCode(button)
  expect(written).toEqual(["let a = 1\nlet b = '<b>'"])
  expect(button?.textContent).toBe("Copied")
  await copyCode(block.element)
  await copyCode(null)
  expect(written).toHaveLength(1)
})

test("code is copied, too, where the browser gives no clipboard to a page, and nothing is said where it cannot be", async () => {
  vi.stubGlobal("navigator", {}) // as over plain HTTP from another machine
  const selected: string[] = []
  const execute = vi.fn(() => {
    selected.push(document.querySelector<HTMLTextAreaElement>(".copy-source")?.value ?? "")
    return selected.length === 1
  })
  Object.assign(document, { execCommand: execute })
  const blocks = ["let a", "let b"].map((code) => {
    const block = new CodeBlock("js")
    block.append(code)
    return block.element.querySelector("button")
  })
  for (const button of blocks) await copyCode(button)
  expect(selected[0]).toBe("let a")
  expect(blocks.map((button) => button?.textContent)).toEqual(["Copied", "Copy"])
  vi.unstubAllGlobals()
})

test("code of an unknown language, and code that is too long, is not coloured", () => {
  expect(coloured("x", "brainfuck")).toBeUndefined()
  expect(coloured("x".repeat(20_000), "js")).toBeUndefined()
  expect(coloured("<b>", "js")).toContain("&lt;b&gt;")
})

test("a line that is too long, and too much of nothing, leave code without colours: their time grows by the square", () => {
  expect(coloured(`a = ${"1".repeat(100)}`, "ini")).toBeDefined()
  expect(coloured(`a = 1\n${"1".repeat(4_000)}`, "ini")).toBeUndefined()
  expect(coloured(`let a\n${"\n ".repeat(4_000)}`, "typescript")).toBeUndefined()
})
