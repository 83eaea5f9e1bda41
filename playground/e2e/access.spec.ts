/** Whoever uses the page, by whatever means: WCAG's rules in each state, the keyboard alone, and a phone. */

import AxeBuilder from "@axe-core/playwright"
import type { Page } from "@playwright/test"
import { answer, ask, composer, settled, timeline } from "./chat"
import { program } from "./server"
import { expect, picture, test } from "./test"

const PROGRAMS = ["run", `${program("newcomer.py")}:guide`, `${program("newcomer.py")}:brief`, program("breaking.py")]

async function expectNoFaults(page: Page, state: string): Promise<void> {
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze()
  const grave = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical")
  const told = grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`)
  expect(told, state).toEqual([])
}

async function expectNoSidewaysScrolling(page: Page, state: string): Promise<void> {
  const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
  expect(needed, state).toBeLessThanOrEqual(there ?? 0)
  const cut = await page.evaluate(() => {
    const out = [...document.querySelectorAll("body *")].filter((element) => {
      const { left, right, width, height } = element.getBoundingClientRect()
      const scrolls = element.closest("pre, .table, table, .u-wrap, .unseen, .skip")
      return !scrolls && width > 1 && height > 1 && (right > window.innerWidth + 1 || left < -1)
    })
    return out.map((element) => element.outerHTML.slice(0, 120))
  })
  expect(cut, state).toEqual([])
}

/** Brings the page into each of its states, and looks at it there. */
async function inEachState(page: Page, url: string, look: (state: string) => Promise<void>): Promise<void> {
  await page.goto(url)
  await expect(page.getByRole("heading", { name: "Ask guide" })).toBeVisible()
  await look("empty")
  await ask(page, "count")
  await expect(answer(page)).toContainText("5 6 7")
  await look("streaming")
  await page.keyboard.press("Escape")
  await expect(answer(page)).toContainText("stopped")
  await look("stopped")
  await page.getByRole("button", { name: "New chat" }).click()
  await ask(page, "How does it work?")
  await settled(page)
  await answer(page).getByRole("button", { name: "Thoughts" }).click()
  await look("answered, with its thoughts")
  await page.getByRole("button", { name: "Settings" }).click()
  await page.getByRole("button", { name: "Insert an example for Tools" }).click()
  await page.getByRole("textbox", { name: "Temperature" }).fill("warm")
  await expect(page.getByText("This is no number.")).toBeVisible()
  await look("settings with a fault")
  await page.getByRole("textbox", { name: "Temperature" }).fill("")
  await page.getByRole("button", { name: "Close", exact: true }).click()
  await ask(page, "What is the weather in Lisbon?")
  await settled(page)
  await look("a call to answer")
  await page.getByRole("button", { name: "Edit this message" }).last().click()
  await look("editing")
  await page.keyboard.press("Escape")
  await page.getByRole("combobox", { name: "Program" }).selectOption("breaking")
  await page.getByRole("button", { name: "New chat" }).click()
  await ask(page, "fail")
  await expect(answer(page).getByRole("alert")).toBeVisible()
  await look("failed")
  await page.getByRole("button", { name: "Compare two programs" }).click()
  await page.getByRole("combobox", { name: "Second program" }).selectOption("brief")
  await ask(page, "Hello")
  await settled(page)
  await look("two programs")
}

/** On a phone the timeline is there on demand. */
async function chooseFrame(page: Page): Promise<void> {
  if (await timeline(page).isHidden()) await page.getByRole("button", { name: "Timeline", exact: true }).click()
  await timeline(page).getByRole("listbox").focus()
  await page.keyboard.press("End")
  await expect(page.getByRole("region", { name: "The chosen frame" }).first()).toBeVisible()
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`no rule of WCAG is broken seriously in any state, in the ${colorScheme} theme`, async ({ page, serve }) => {
    const server = await serve(PROGRAMS)
    await page.emulateMedia({ colorScheme })
    await inEachState(page, server.url, (state) => expectNoFaults(page, state))
    await chooseFrame(page)
    await expectNoFaults(page, "a frame is chosen")
  })
}

test("on a phone of 360 pixels nothing is cut off, and nothing scrolls sideways", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.setViewportSize({ width: 360, height: 740 })
  await inEachState(page, server.url, (state) => expectNoSidewaysScrolling(page, state))
  await page.getByRole("button", { name: "Compare two programs" }).click()
  await chooseFrame(page)
  await expectNoSidewaysScrolling(page, "a frame is chosen")
  await expectNoFaults(page, "a frame is chosen")
})

test("on a phone a timeline is shown on demand, and scrolls with what is said above it", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await ask(page, "Hello")
  await settled(page)
  await expect(timeline(page)).toBeVisible()
  await page.setViewportSize({ width: 360, height: 740 })
  await expect(timeline(page)).toBeHidden()
  for (const programs of [1, 2]) {
    if (programs === 2) await page.getByRole("button", { name: "Compare two programs" }).click()
    await page.getByRole("button", { name: "Timeline", exact: true }).click()
    const last = page.getByRole("complementary", { name: "Timeline" }).last()
    await expect(page.getByRole("log").last()).toBeInViewport({ ratio: 0.95 })
    await expect(composer(page)).toBeInViewport({ ratio: 1 })
    await last.evaluate((element) => element.scrollIntoView({ block: "end" }))
    const [bottom, top] = await Promise.all([last.boundingBox(), page.locator(".composer").boundingBox()])
    expect(Math.round((bottom?.y ?? 0) + (bottom?.height ?? 0))).toBeLessThanOrEqual(Math.ceil(top?.y ?? 0))
    await page.getByRole("button", { name: "Timeline", exact: true }).click()
    await expect(last).toBeHidden()
  }
})

test("pictures of the dark theme, and of a phone", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.emulateMedia({ colorScheme: "dark" })
  await page.goto(server.url)
  await ask(page, "How does it work?")
  await settled(page)
  await expect(page.locator("body")).toHaveCSS("color-scheme", /dark/)
  await expect(page.locator("body")).toHaveCSS("background-color", "rgb(16, 21, 19)")
  await picture(page, "playground-dark")
  await page.setViewportSize({ width: 390, height: 800 })
  await expect(composer(page)).toBeInViewport()
  await picture(page, "playground-phone")
})

test("all is done by the keyboard alone", async ({ page, serve }) => {
  const server = await serve(PROGRAMS)
  await page.goto(server.url)
  await expect(page.getByRole("heading", { name: "Ask guide" })).toBeVisible()
  await expect(composer(page)).toBeFocused()
  await page.keyboard.type("count")
  await page.keyboard.press("Enter")
  await expect(answer(page)).toContainText("5 6 7")
  await page.keyboard.press("Escape")
  await expect(answer(page)).toContainText("stopped")

  await tabTo(page, "Ask again")
  await page.keyboard.press("Enter")
  await expect(answer(page)).toContainText("5 6 7")
  await page.keyboard.press("Escape")
  await settled(page)

  await tabTo(page, "Frames in time")
  await page.keyboard.press("ArrowRight")
  await page.keyboard.press("ArrowRight")
  const said = timeline(page).getByRole("option", { selected: true })
  await expect(said).toHaveText(/^Frame 2 of \d+, text, at [\d.]+ ms$/)
  await page.keyboard.press("+")
  await expect(timeline(page).getByRole("button", { name: "Show all" })).toBeEnabled()
  await page.keyboard.press("0")
  await expect(timeline(page).getByRole("button", { name: "Show all" })).toBeDisabled()
  await tabTo(page, "As it came")
  await page.keyboard.press("/")
  await expect(composer(page)).toBeFocused()
})

/** Presses the tab key until the focus is on what begins with this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab")
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      const caption = element?.parentElement?.querySelector("figcaption")
      return element?.getAttribute("aria-label") ?? caption?.textContent ?? element?.textContent ?? ""
    })
    if (focused.startsWith(name)) return
  }
  throw new Error(`the tab key does not lead to ${name}`)
}

/** The pairs of figures whose words touch, with less than 4 pixels between them. */
async function touching(page: Page): Promise<string[]> {
  return page.locator(".timeline-totals").evaluateAll((lists) =>
    lists.flatMap((list) => {
      const words = [...list.querySelectorAll("dt, dd")].map((element) => {
        const range = document.createRange()
        range.selectNodeContents(element)
        return { text: element.textContent, box: range.getBoundingClientRect() }
      })
      return words.flatMap((one, place) =>
        words
          .slice(place + 1)
          .filter(({ box }) => box.left < one.box.right + 4 && one.box.left < box.right + 4)
          .filter(({ box }) => box.top < one.box.bottom - 1 && one.box.top < box.bottom - 1)
          .map((other) => `${one.text} | ${other.text}`),
      )
    }),
  )
}

for (const width of [360, 1024, 1280, 1440]) {
  test(`no figure touches another on a page ${width} pixels wide, alone or beside a second program`, async ({
    page,
    serve,
  }) => {
    const server = await serve(PROGRAMS)
    await page.setViewportSize({ width, height: 800 })
    await page.goto(server.url)
    const shown = page.getByRole("button", { name: "Timeline", exact: true })
    if ((await shown.getAttribute("aria-pressed")) === "false") await shown.click()
    await page.getByRole("combobox", { name: "Program" }).selectOption("brief") // it counts by frames: the longest word
    await ask(page, "Hello")
    await settled(page)
    await expect(timeline(page)).toContainText("(frames)")
    expect(await touching(page)).toEqual([])
    await page.getByRole("button", { name: "Compare two programs" }).click()
    await ask(page, "Hello")
    await settled(page)
    expect(await touching(page)).toEqual([])
  })
}
