/** A newcomer's path through the page, from the first prompt to the copied request. */

import { execFileSync } from "node:child_process"
import type { Page } from "@playwright/test"
import { answer, ask, composer, figure, measured, settled, timeline } from "./chat"
import { program } from "./server"
import { expect, picture, test } from "./test"

const PROGRAMS = ["run", `${program("newcomer.py")}:guide`, `${program("newcomer.py")}:brief`]

async function withTools(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).click()
  await page.getByRole("button", { name: "Insert an example for Tools" }).click()
  await page.getByRole("button", { name: "Close", exact: true }).click()
}

test("a newcomer asks, watches the answer come, and reads its timeline", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await expect(page.getByRole("heading", { name: "Ask guide" })).toBeVisible()
  await ask(page, "How does it work?")

  await expect(page.getByText("Thinking…")).toBeVisible()
  await expect(answer(page).getByText("They are new here")).toBeVisible()
  await expect(timeline(page).getByText(/^reasoning \d+$/)).toBeVisible()
  await expect(answer(page).getByRole("heading", { name: "Streaming, in one function" })).toBeVisible()
  await expect(answer(page).getByText("They are new here")).toBeHidden() // folded once it speaks
  await settled(page)
  await expect(answer(page).locator("pre code")).toContainText("yield word")
  await expect(answer(page).getByRole("cell", { name: "stall", exact: true })).toBeVisible()

  expect(await measured(page, "First token")).toBeGreaterThan(0)
  expect(await measured(page, "Gap p99")).toBeGreaterThan(480)
  expect(await figure(page, "Tokens/s")).toMatch(/^[\d.,]+$/)
  expect(await measured(page, "Frames")).toBeGreaterThan(await measured(page, "Reads")) // some were gathered
  const stalls = timeline(page).getByRole("button", { name: /^\d+ stalls?, / }) // a busy machine has some of its own
  await stalls.click()
  const viewer = page.getByRole("region", { name: "The chosen frame" })
  await expect(viewer).toContainText(/Frame \d+ of \d+, (text|reasoning), at/)
  await expect(viewer).toContainText('"delta": {')
  await expect(viewer).toContainText('data: {"id":"chatcmpl')
  await picture(page, "playground")
})

test("a click on a mark shows its frame, and a drag shows less of the time", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await ask(page, "How does it work?")
  await settled(page)
  const plot = timeline(page).locator(".u-over")
  const box = await plot.boundingBox()
  if (!box) throw new Error("there is no chart")
  await page.mouse.click(box.x + box.width * 0.1, box.y + box.height - 8)
  const title = page.locator(".timeline-title")
  await expect(title).toContainText(/Frame \d+ of \d+, (reasoning|start)/)

  const all = timeline(page).getByRole("button", { name: "Show all" })
  await expect(all).toBeDisabled()
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.7, box.y + 40, { steps: 4 })
  await page.mouse.up()
  await expect(all).toBeEnabled()
  await plot.dblclick()
  await expect(all).toBeDisabled()

  await page.mouse.move(box.x + box.width * 0.5, box.y + 40)
  await page.keyboard.down("Control")
  await page.mouse.wheel(0, -200)
  await page.keyboard.up("Control")
  await expect(all).toBeEnabled()
})

test("a tool is called, answered by hand, and the answer goes on", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await withTools(page)
  await ask(page, "What is the weather in Lisbon?")
  await expect(
    answer(page).getByText('{"city": "Lisbon"}').or(answer(page).getByText('"city": "Lisbon"')),
  ).toBeVisible()
  await settled(page)
  await expect(timeline(page).getByText(/^tool call \d+$/)).toBeVisible()
  await answer(page).getByRole("textbox", { name: "Result of get_weather" }).fill("sunny, 24 degrees")
  await picture(page, "tool-call")
  await answer(page).getByRole("button", { name: "Send the result" }).click()
  await expect(answer(page)).toContainText("It is sunny, 24 degrees there.")
  await settled(page)
})

test("an answer is stopped, asked for again, and its question put in other words", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await ask(page, "Please count")
  await expect(answer(page)).toContainText("10 11 12")
  await page.getByRole("button", { name: "Stop", exact: true }).click()
  await expect(answer(page)).toContainText("stopped")
  await settled(page)
  const frames = await measured(page, "Frames")
  expect(frames).toBeGreaterThan(10)
  expect(frames).toBeLessThan(5000)

  await answer(page).getByRole("button", { name: "Ask again" }).click()
  await expect(answer(page)).toContainText("0 1 2 3")
  await page.keyboard.press("Escape")
  await expect(answer(page)).toContainText("stopped")
  await expect(page.getByRole("article", { name: "answers" })).toHaveCount(1)

  await page.getByRole("button", { name: "Edit this message" }).click()
  await page.getByRole("textbox", { name: "Your message" }).fill("How does it work?")
  await page.getByRole("textbox", { name: "Your message" }).press("Enter")
  await expect(answer(page).getByRole("heading", { name: "Streaming, in one function" })).toBeVisible()
  await expect(page.getByText("Please count")).toHaveCount(0)
  await settled(page)
})

test("two programs answer one prompt side by side, each with its timeline", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await page.getByRole("button", { name: "Compare two programs" }).click()
  await ask(page, "Hello to both")
  const [first, second] = [/^Program/, /^Second program/].map((name) => page.getByRole("region", { name }))
  if (!first || !second) throw new Error("no panes")
  await expect(first.getByRole("article", { name: "guide answers" })).toContainText("Streaming, in one function")
  await expect(second.getByRole("article", { name: "brief answers" })).toContainText("Briefly: Hello to both")
  await settled(page)
  expect(await measured(first, "Frames")).toBeGreaterThan(await measured(second, "Frames"))
  await picture(page, "compare")
})

test("the copied curl, pasted in a shell, has the same answer", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await page.getByRole("combobox", { name: "Program" }).selectOption("brief")
  await ask(page, 'it\'s "$HOME" `and` \\ more')
  await settled(page)
  await answer(page).getByRole("button", { name: "Copy as curl" }).click()
  await expect(page.getByText("Copied as curl")).toBeVisible()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  const printed = execFileSync("bash", { input: copied, encoding: "utf8" })
  const said = [...printed.matchAll(/^data: (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json))
  const text = said.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")
  expect(text).toBe('Briefly: it\'s "$HOME" `and` \\ more ')
})

test("a conversation and its settings are there after a reload, until they are forgotten", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await withTools(page)
  await ask(page, "How does it work?")
  await settled(page)
  await page.reload()
  await expect(answer(page).getByRole("heading", { name: "Streaming, in one function" })).toBeVisible()
  await page.getByRole("button", { name: "Settings" }).click()
  await expect(page.getByRole("textbox", { name: "Tools" })).toHaveValue(/get_weather/)
  await page.getByRole("button", { name: "Forget the chat and these settings" }).click()
  await page.reload()
  await expect(page.getByRole("heading", { name: "Ask guide" })).toBeVisible()
  await expect(composer(page)).toBeVisible()
})

test("a reload in the middle of an answer keeps its text and the draft, and says that its timeline is gone", async ({
  page,
  serve,
}) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await ask(page, "Please count")
  await expect(answer(page)).toContainText("10 11 12")
  await composer(page).fill("And then")
  await page.reload()
  await expect(answer(page)).toContainText("10 11 12")
  await expect(answer(page)).toContainText("stopped")
  await expect(composer(page)).toHaveValue("And then")
  await expect(timeline(page)).toContainText("as long as the page is open")
})
