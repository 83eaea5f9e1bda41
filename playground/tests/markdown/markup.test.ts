// DOMPurify does not work in happy-dom: it lets links of any kind pass there.
// @vitest-environment jsdom

import { expect, test } from "vitest"
import { nodesOf } from "../../src/markdown/markup"

function html(source: string): HTMLElement {
  const root = document.createElement("div")
  root.append(nodesOf(source))
  return root
}

test("Markdown becomes what it means", () => {
  const root = html("# T\n\n**b** *e* `c` ~~s~~\n\n3. x\n\n> q\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n")
  for (const tag of [
    "strong",
    "em",
    "code",
    "del",
    "ol[start='3'] li",
    "blockquote p",
    "table th",
    "td[align='right']",
    "ul li",
  ]) {
    expect(root.querySelector(tag), tag).not.toBeNull()
  }
  expect(root.querySelector("h3")?.textContent).toBe("T")
  expect(root.textContent).toContain("☑ done")
})

test("HTML is shown as text, in blocks and in lines", () => {
  for (const source of [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onclick=x>b</b>",
    "<style>*{}</style>",
    "<iframe src=x></iframe>",
    "<form id=app><input name=x></form>",
    "<svg onload=x>",
  ]) {
    const root = html(source)
    expect(root.querySelector("script, img, b, style, iframe, form, input, svg"), source).toBeNull()
    expect(root.textContent?.trim()).toBe(source)
  }
})

test("a line's end is the one piece of HTML that is one", () => {
  expect(html("a<br>b").querySelectorAll("br")).toHaveLength(1)
})

test("links lead to the web alone, elsewhere, and tell it nothing", () => {
  const link = html("[a](https://x.y/z 't')").querySelector("a")
  expect([link?.getAttribute("href"), link?.target, link?.rel]).toEqual([
    "https://x.y/z",
    "_blank",
    "noopener noreferrer",
  ])
  for (const url of [
    "javascript:alert(1)",
    "JaVaScRiPt:x",
    "data:text/html,x",
    "/v1/models",
    "#app",
    "vbscript:x",
    "//x.y",
  ]) {
    expect(html(`[a](${url})`).querySelector("a[href]"), url).toBeNull()
  }
})

test("a picture from elsewhere is a link to it, and one that the text holds is a picture", () => {
  const root = html('![a cat](https://x.y/cat.png "t") ![](http://x.y/b.png) ![x](file:///etc/x)')
  expect(root.querySelector("img")).toBeNull()
  expect([...root.querySelectorAll("a")].map((link) => link.textContent)).toEqual([
    "Image: a cat",
    "Image: http://x.y/b.png",
  ])
  expect(root.textContent).toContain("Image: x")
  expect(html("![dot](data:image/png;base64,AAAA)").querySelector("img")?.alt).toBe("dot")
  expect(html("![x](data:image/svg+xml;base64,AAAA)").querySelector("img")).toBeNull()
})

test("no ids and no styles", () => {
  const root = html("# app\n\n|a|\n|:-:|\n|b|\n\n```js title\nx\n```")
  expect(root.querySelector("[id], [style], [name]")).toBeNull()
})

test("text that only looks like markup stays text", () => {
  expect(html('![<img src=x onerror=a>](https://x.y/" onerror="b)').querySelector("[onerror]")).toBeNull()
  expect(html("`<script>`").textContent?.trim()).toBe("<script>")
})
