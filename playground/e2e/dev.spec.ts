/** `mserve dev`: the page hears of edits, and shows a program's errors at the author's own line. */

import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "@playwright/test"
import { answer, ask, settled } from "./chat"
import { expect, picture, test } from "./test"

const GOOD = `async def serve(prompt):
    yield f"first version: {prompt}"
`
const BETTER = GOOD.replace("first", "second")
const FAILING = `def serve(prompt):
    parts = prompt.split("/")
    return str(1 / (len(parts) - 1))
`
const BROKEN = `async def serve(prompt):
    yield "unfinished
`

let folder: string
let file: string

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mserve-dev-"))
  file = join(folder, "hello.py")
  await writeFile(file, GOOD)
})

test.afterEach(async () => {
  await rm(folder, { recursive: true })
})

const SERVED = "The edited program is served now."

/** What the bar says of the program that is edited. */
const told = (page: Page) => page.locator(".notices")

test("an edit is served anew, and the page says so", async ({ page, serve }) => {
  const server = await serve(["dev", file])
  await page.goto(server.url)
  await ask(page, "hello")
  await expect(answer(page)).toContainText("first version: hello")
  await writeFile(file, BETTER)
  await expect(told(page)).toContainText(SERVED)
  await settled(page)
  await ask(page, "hello")
  await expect(answer(page)).toContainText("second version: hello")
})

test("an edit that cannot be loaded is told with its reason, and the version before goes on", async ({
  page,
  serve,
}) => {
  const server = await serve(["dev", file])
  await page.goto(server.url)
  await expect(page.getByRole("heading", { name: "Ask hello" })).toBeVisible()
  await writeFile(file, BROKEN)
  await expect(told(page)).toContainText("hello.py")
  await expect(told(page)).toContainText("line 2")
  await expect(told(page)).toContainText("unterminated string")
  await picture(page, "dev")
  await ask(page, "hello")
  await expect(answer(page)).toContainText("first version: hello")
  await writeFile(file, BETTER)
  await expect(told(page)).toContainText(SERVED)
  await settled(page)
  await ask(page, "hello")
  await expect(answer(page)).toContainText("second version: hello")
})

test("a program's error is shown at the author's own line, in the page and in the terminal", async ({
  page,
  serve,
  watch,
}) => {
  watch.expects(/status of 500/)
  await writeFile(file, FAILING)
  const server = await serve(["dev", file])
  await page.goto(server.url)
  await ask(page, "hello")
  const trouble = answer(page).getByRole("alert")
  await expect(trouble).toContainText("ZeroDivisionError: division by zero")
  await expect(trouble).toContainText("hello.py")
  await expect(trouble).toContainText("line 3")
  await expect(trouble).toContainText("return str(1 / (len(parts) - 1))")
  expect(server.log()).toContain("return str(1 / (len(parts) - 1))")
  await writeFile(file, GOOD)
  await expect(told(page)).toContainText(SERVED)
  await trouble.getByRole("button", { name: "Try again" }).click()
  await expect(answer(page)).toContainText("first version: hello")
})
