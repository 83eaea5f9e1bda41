// DOMPurify does not work in happy-dom: it lets links of any kind pass there.
// @vitest-environment jsdom

import { expect, test } from "vitest"
import { Drawing } from "../../src/markdown/drawing"
import { View } from "../../src/markdown/view"
import { Pieces } from "../../src/reply/pieces"

const TEXT = `# Title

Some *words*.

1. one
2. two

   \`\`\`sh
   ls
   \`\`\`

| a | b |
|---|---|
| 1 | 2 |

\`\`\`python
def f():
    return 1
\`\`\`

The end.`

/** What is shown after the text came in pieces of a size, drawn after each of them. */
function drawn(text: string, size: number): HTMLElement {
  const root = document.createElement("div")
  const pieces = new Pieces()
  const drawing = new Drawing(pieces, new View(root))
  for (let place = 0; place < text.length; place += size) {
    pieces.append(text.slice(place, place + size))
    drawing.draw(false)
  }
  while (drawing.draw(true));
  return root
}

/** What is shown, whatever sections and blocks it is in. */
const plainly = (root: HTMLElement) => {
  for (const node of root.querySelectorAll(".section, .tail, .block")) node.replaceWith(...node.childNodes)
  root.normalize()
  return root.innerHTML.replace(/\s*\n\s*/g, "\n")
}

test("a text looks the same, however it came", () => {
  const whole = plainly(drawn(TEXT, TEXT.length))
  for (const size of [1, 2, 5, 17]) expect(plainly(drawn(TEXT, size))).toBe(whole)
  for (const tag of ["<h3>", "<em>", "<ol>", "<table>", "hljs-keyword"]) expect(whole).toContain(tag)
})

test("what is finished is drawn once: its nodes stay", () => {
  const root = document.createElement("div")
  const pieces = new Pieces()
  const drawing = new Drawing(pieces, new View(root))
  pieces.append("# One\n\nTwo\n\nThr")
  drawing.draw(false)
  const title = root.querySelector("h3")
  expect(title?.textContent).toBe("One")
  pieces.append("ee\n\nFour")
  while (drawing.draw(true));
  expect(root.querySelector("h3")).toBe(title)
  expect(root.textContent?.match(/One|Two|Three|Four/g)).toEqual(["One", "Two", "Three", "Four"])
})

test("what is being said is seen before it is finished", () => {
  const root = document.createElement("div")
  const pieces = new Pieces()
  const drawing = new Drawing(pieces, new View(root))
  pieces.append("Not **finis")
  drawing.draw(false)
  expect(root.querySelector(".tail")?.textContent).toContain("Not **finis")
})

test("code that is being said is seen line by line, and coloured when it has ended", () => {
  const root = document.createElement("div")
  const pieces = new Pieces()
  const drawing = new Drawing(pieces, new View(root))
  pieces.append("```python\ndef f(): pass\n# mo")
  drawing.draw(false)
  expect(root.querySelector("figure code")?.textContent).toBe("def f(): pass\n# mo")
  expect(root.querySelector(".hljs-keyword")).toBeNull()
  pieces.append("re\n```\n")
  while (drawing.draw(true));
  expect(root.querySelector(".hljs-keyword")?.textContent).toBe("def")
  expect(root.querySelector("figcaption")?.textContent).toContain("python")
})

test("much at once is drawn in steps, and nothing is lost", () => {
  const root = document.createElement("div")
  const pieces = new Pieces()
  const drawing = new Drawing(pieces, new View(root))
  pieces.append("One *two* three.\n\n".repeat(3000))
  let steps = 1
  while (drawing.draw(true)) steps += 1
  expect(steps).toBeGreaterThan(3)
  expect(root.querySelectorAll("p")).toHaveLength(3000)
  expect(root.querySelectorAll(".section").length).toBeGreaterThan(3)
})

test("a very long line of code is there whole, in blocks", () => {
  const root = drawn(`\`\`\`\n${"x".repeat(200_000)}\n\`\`\`\n`, 9999)
  expect(root.querySelector("code")?.textContent).toBe("x".repeat(200_000))
  expect(root.querySelectorAll(".block").length).toBeGreaterThan(5)
})

test("a hostile text is shown as the text that it is", () => {
  const text = "`[".repeat(20_000)
  expect(drawn(text, 777).textContent).toBe(text)
})
