import { signal } from "@preact/signals"
import { cleanup, fireEvent, render, screen } from "@testing-library/preact"
import { afterEach, expect, test } from "vitest"
import type { Exchange } from "../../src/api/frame"
import { Timeline } from "../../src/timeline/timeline"
import { exchangeOf, framesOf } from "./exchanges"

// Here no canvas draws: the chart itself is tested in a browser, and the page must do without it.
afterEach(cleanup)

const frames = framesOf([
  { at: 10, read: 0, kind: "start", raw: 'data: {"choices":[]}' },
  { at: 10, read: 0, raw: 'data: {"choices":[{"delta":{"content":"<b onclick=x>"}}]}' },
  { at: 30, read: 1 },
  { at: 530, read: 2 },
  { at: 531, read: 3, kind: "done", raw: "data: [DONE]" },
])

function show() {
  const held = signal<Exchange | undefined>(exchangeOf(frames))
  render(<Timeline exchange={held} />)
  return held
}

const list = () => screen.getByRole("listbox")
const press = (key: string, shiftKey = false) => fireEvent.keyDown(list(), { key, shiftKey })

test("before the first exchange it says what will be here", () => {
  render(<Timeline exchange={signal(undefined)} />)
  expect(document.body.textContent).toContain("will be a mark in time here")
})

test("where an answer is there, and its exchange is not, it says how long timelines are kept", () => {
  render(<Timeline exchange={signal(undefined)} gone={true} />)
  expect(document.body.textContent).toContain("as long as the page is open")
})

test("totals are shown with their units", () => {
  show()
  const totals = document.querySelector(".timeline-totals")?.textContent
  expect(totals).toContain("First token10.0 ms")
  expect(totals).toContain("Tokens/s (frames)3.8")
  expect(totals).toContain("Gap p99500 ms")
  expect(totals).toContain("Frames5")
  expect(totals).toContain("Reads4")
})

test("the legend has the kinds that came, and their number", () => {
  show()
  const items = screen.getAllByRole("listitem").map((item) => item.textContent)
  expect(items).toEqual(["text 3", "start 1", "done 1"])
})

test("arrow keys choose a frame, which is said and shown as it came", () => {
  show()
  expect(list().getAttribute("aria-activedescendant")).toBeNull()
  press("ArrowRight")
  press("ArrowRight")
  const option = screen.getByRole("option")
  expect(option.textContent).toBe("Frame 2 of 5, text, at 10.0 ms")
  expect(option.getAttribute("aria-posinset")).toBe("2")
  expect(list().getAttribute("aria-activedescendant")).toBe(option.id)
  const viewer = screen.getByRole("region", { name: "The chosen frame" })
  expect(viewer.textContent).toContain("0.00 ms after the one before; 2 of 2 in one read")
  const [pretty, raw] = [...viewer.querySelectorAll("pre")].map((text) => text.textContent)
  expect(pretty).toContain('  "choices": [')
  expect(raw).toBe('data: {"choices":[{"delta":{"content":"<b onclick=x>"}}]}')
  expect(viewer.querySelector("b")).toBeNull()
})

test("a frame that is no JSON is shown as it came alone", () => {
  show()
  press("End")
  expect([...document.querySelectorAll("figcaption")].map((caption) => caption.textContent)).toEqual(["As it came"])
})

test("a frame whose text was let go says so, and keeps its place and time", () => {
  const gone = framesOf([{ at: 1 }, { at: 2, raw: "" }, { at: 3 }])
  render(<Timeline exchange={signal<Exchange | undefined>(exchangeOf(gone))} />)
  press("Home")
  press("ArrowRight")
  const viewer = screen.getByRole("region", { name: "The chosen frame" })
  expect(viewer.textContent).toContain("Frame 2 of 3, text, at 2.00 ms")
  expect(viewer.textContent).toContain("not kept any more")
  expect(viewer.querySelector("pre")).toBeNull()
})

test("Escape lets the frame go, and only then is the page's own", () => {
  show()
  let heard = 0
  const hear = (event: KeyboardEvent) => {
    heard += event.key === "Escape" ? 1 : 0
  }
  document.body.addEventListener("keydown", hear)
  press("Home")
  press("Escape")
  expect(screen.queryByRole("region", { name: "The chosen frame" })).toBeNull()
  expect(heard).toBe(0)
  press("Escape")
  expect(heard).toBe(1)
  document.body.removeEventListener("keydown", hear)
})

test("keys zoom and show all again, and a button leads to the stall", () => {
  show()
  const all = () => screen.getByRole("button", { name: "Show all" }) as HTMLButtonElement
  expect(all().disabled).toBe(true)
  press("+")
  expect(all().disabled).toBe(false)
  press("ArrowLeft", true)
  press("0")
  expect(all().disabled).toBe(true)
  fireEvent.click(screen.getByRole("button", { name: "1 stall, 500 ms" }))
  expect(screen.getByRole("option").textContent).toContain("Frame 4 of 5")
})

test("the next exchange begins with no chosen frame and all of its time", async () => {
  const held = show()
  press("End")
  press("+")
  held.value = exchangeOf(framesOf([{ at: 1 }, { at: 2 }]))
  expect(await screen.findByText("text 2")).toBeTruthy()
  expect(screen.queryByRole("region", { name: "The chosen frame" })).toBeNull()
  expect((screen.getByRole("button", { name: "Show all" }) as HTMLButtonElement).disabled).toBe(true)
})
