/** The timeline's figures, held against those of somebody who watches the same stream from outside of the browser. */

import { ask, composer, measured, settled } from "./chat"
import { observe } from "./observer"
import { program } from "./server"
import { expect, test } from "./test"

/** What a display shows in one turn, in ms. */
const DISPLAY_FRAME = 1000 / 60
/** How often it is tried: on a machine that does much else, something may hold the browser up once. */
const TRIES = 5

test("the figures equal those of an independent observer, within a frame of the display", async ({
  page,
  serve,
  watch,
}) => {
  const server = await serve(["run", program("rhythm.py")])
  const observer = await observe(server.url)
  watch.admits(observer.url)
  await page.goto(observer.url)
  await expect(composer(page)).toBeVisible()
  const differences: Record<string, number>[] = []
  for (let turn = 0; turn < TRIES; turn += 1) {
    await ask(page, "go")
    await settled(page)
    const seen = observer.last()
    expect(await measured(page, "Frames")).toBe(seen.frames)
    expect(await measured(page, "Size")).toBeCloseTo(seen.bytes, -2) // it is shown in tenths of a kB
    const apart = {
      firstToken: (await measured(page, "First token")) - seen.firstToken,
      p50: (await measured(page, "Gap p50")) - seen.p50,
      p99: (await measured(page, "Gap p99")) - seen.p99,
      // It is shown in hundredths of a second.
      duration: Math.max(0, Math.abs((await measured(page, "Duration")) - seen.duration) - 5),
      span: spanOf(await measured(page, "Tokens/s")) - spanOf(seen.rate),
    }
    differences.push(apart)
    if (Object.values(apart).every((ms) => Math.abs(ms) <= DISPLAY_FRAME)) break
  }
  observer.close()
  expect(Math.max(...Object.values(differences.at(-1) ?? {}).map(Math.abs)), JSON.stringify(differences)).toBeLessThan(
    DISPLAY_FRAME,
  )
})

/** The time between the first and the last token that a rate tells, in ms: 100 tokens are said. */
function spanOf(rate: number): number {
  return (99 * 1000) / rate
}
