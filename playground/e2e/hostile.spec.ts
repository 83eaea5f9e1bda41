/** Whatever a program says: nothing of it runs, and the page stays alive. */

import type { Page } from "@playwright/test"
import { answer, ask, composer, settled, timeline } from "./chat"
import { program } from "./server"
import { expect, SHARE, test } from "./test"
import { share, workPerFrame } from "./tracing"

/** How many tokens the flood has in all, and how many of them come at the pace that is measured. */
const TOKENS = 100_000
const PACED = Math.max(2_000, TOKENS * SHARE)
/** So many records of so many ms, evenly over what is paced. */
const RECORDS = 5
const RECORD = 2_000
const DISPLAY_FRAME = 16

const BOMBS = [
  "paragraph",
  "long word",
  "list",
  "nested list",
  "quotes",
  "brackets",
  "links",
  "backticks",
  "stars",
  "underscores",
  "table",
  "wide table",
  "code",
  "long lines of code",
  "entities",
  "html",
  "references",
]

test("markup, scripts and addresses of a program do nothing, and nobody is asked for anything", async ({
  page,
  serve,
}) => {
  const server = await serve(["run", program("hostile.py")])
  await page.goto(server.url)
  const scripts = await page.locator("script").count()
  const styles = await page.locator("style, link[rel=stylesheet]").count()
  await ask(page, "markup")
  await settled(page)
  const said = answer(page)
  await expect(said).toContainText("good")
  for (const name of "script,iframe,object,embed,form.x,base,meta,link,style,svg.x,math,video,audio,input".split(",")) {
    await expect(said.locator(name), name).toHaveCount(0)
  }
  expect(await page.locator("script").count()).toBe(scripts)
  expect(await page.locator("style, link[rel=stylesheet]").count()).toBe(styles)
  expect(await page.evaluate(() => document.documentElement.dataset.pwned)).toBeUndefined()
  expect(await said.locator("*").evaluateAll(handlersAndIds)).toEqual([])
  const links = await said
    .locator("a")
    .evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel")]))
  expect(links).toContainEqual(["https://example.com/?a=1&b=2", "noopener noreferrer"])
  for (const [href] of links) expect(href ?? "https:").toMatch(/^(https?|mailto):/)
  for (const source of await said.locator("img").evaluateAll((all) => all.map((image) => image.getAttribute("src")))) {
    expect(source).toMatch(/^data:/)
  }
  expect(page.url()).toBe(server.url)
  await expect(composer(page)).toBeVisible()
})

/** Attributes that run something, or that other parts of the page are found by. */
function handlersAndIds(elements: (HTMLElement | SVGElement)[]): string[] {
  return elements.flatMap((element) =>
    [...element.attributes]
      .map(({ name }) => name)
      .filter((name) => name.startsWith("on") || ["id", "name", "style", "srcset", "action"].includes(name))
      .filter(() => !element.closest("form.calls"))
      .map((name) => `${element.localName} ${name}`),
  )
}

for (const bomb of BOMBS) {
  test(`the page answers while a program says: ${bomb}`, async ({ page, serve }) => {
    const server = await serve(["run", program("hostile.py")])
    await page.goto(server.url)
    await watchTurns(page)
    await ask(page, bomb)
    await expect(timeline(page).getByText(/^text \d/)).toBeVisible()
    await composer(page).pressSequentially("still here", { delay: 20 })
    await expect(composer(page)).toHaveValue("still here")
    await settled(page)
    await page.waitForTimeout(300)
    expect(await longestTurn(page), "ms without a frame").toBeLessThan(1500)
    await page.getByRole("button", { name: "New chat" }).click()
    await expect(page.getByRole("heading", { name: "Ask hostile" })).toBeVisible()
  })
}

for (const [form, words] of [
  ["in paragraphs", ""],
  ["in one paragraph", " in one paragraph"],
] as const) {
  const paced = words ? Math.min(PACED, 3_000) : PACED
  test(`of ${TOKENS} tokens, ${paced} come at 200 a second ${form}, and frames take less than 16 ms`, async ({
    page,
    serve,
  }) => {
    test.setTimeout(120_000 + paced * 6)
    const server = await serve(["run", program("flood.py")])
    await page.goto(server.url)
    await ask(page, `${TOKENS - paced} at 20000, ${paced} at 200${words}`)
    const texts = timeline(page).getByText(/^text /)
    const read = async () => Number((await texts.textContent())?.replace(/\D/g, ""))
    await expect.poll(read, { timeout: 60_000 }).toBeGreaterThanOrEqual(TOKENS - paced)

    const wall: number[] = []
    const all: number[] = []
    const rest = Math.max(0, (paced * 5 - 3_000 - RECORDS * RECORD) / RECORDS)
    for (let record = 0; record < RECORDS; record += 1) {
      await page.waitForTimeout(Math.min(rest, 60_000))
      const work = await workPerFrame(page, RECORD)
      wall.push(share(work.wall, 0.95))
      all.push(...work.processor)
      expect(work.wall.length, "frames in 2 s").toBeGreaterThan(20)
    }
    const processor = share(
      all.sort((one, other) => one - other),
      0.95,
    )
    const told = `p95 of the processor ${processor.toFixed(1)} ms, by the clock ${wall.map((ms) => ms.toFixed(1))}`
    process.stdout.write(`    ${form}: ${all.length} frames, ${told}\n`)
    expect(processor, told).toBeLessThan(DISPLAY_FRAME)
    expect(Math.min(...wall), told).toBeLessThan(2 * DISPLAY_FRAME) // other processes share this one's two cores
    expect(await slowestKey(page)).toBeLessThan(200)
    await page.keyboard.press("Escape")
    await settled(page)
  })
}

/** Types while the answer comes; from the key to the frame that shows it, in ms, the slowest but one in ten. */
async function slowestKey(page: Page): Promise<number> {
  await page.evaluate(() => {
    const times: number[] = []
    Object.assign(window, { times })
    document.getElementById("composer")?.addEventListener("input", (event) => {
      requestAnimationFrame(() => setTimeout(() => times.push(performance.now() - event.timeStamp)))
    })
  })
  await composer(page).pressSequentially("and the reader writes on", { delay: 30 })
  await expect(composer(page)).toHaveValue("and the reader writes on")
  const times = await page.evaluate(() => (window as unknown as { times: number[] }).times)
  return share(
    times.sort((one, other) => one - other),
    0.9,
  )
}

/** Notes how long the page goes without a frame. */
async function watchTurns(page: Page): Promise<void> {
  await page.evaluate(() => {
    const turns = { longest: 0, last: performance.now() }
    Object.assign(window, { turns })
    const turn = () => {
      const now = performance.now()
      turns.longest = Math.max(turns.longest, now - turns.last)
      turns.last = now
      requestAnimationFrame(turn)
    }
    turn()
  })
}

async function longestTurn(page: Page): Promise<number> {
  return page.evaluate(() => (window as unknown as { turns: { longest: number } }).turns.longest)
}
