/** What a reader does with the page, by the names that a screen reader says. */

import { expect, type Locator, type Page } from "@playwright/test"

export function composer(page: Page): Locator {
  return page.getByRole("textbox", { name: "Message", exact: true })
}

/** Asks by the keyboard, as most do. */
export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text)
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeEnabled() // the programs are known
  await composer(page).press("Enter")
}

/** The last answer of a pane, or of the page. */
export function answer(within: Page | Locator): Locator {
  return within.getByRole("article", { name: "answers" }).last()
}

/** Resolves when no answer is being said. */
export async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("button", { name: "Stop", exact: true })).toHaveCount(0, { timeout: 30_000 })
  await expect(answer(page).getByRole("button", { name: "Ask again" })).toBeVisible()
}

export function timeline(within: Page | Locator): Locator {
  return within.getByRole("complementary", { name: "Timeline" }).first()
}

/** A figure of the timeline as it is shown, by the beginning of its name. */
export async function figure(within: Page | Locator, name: string): Promise<string> {
  const term = timeline(within)
    .locator(".timeline-totals dt")
    .filter({ hasText: new RegExp(`^${name}`) })
  return (await term.locator("xpath=following-sibling::dd").textContent())?.trim() ?? ""
}

/** The same as a number: times in ms, sizes in bytes. */
export async function measured(within: Page | Locator, name: string): Promise<number> {
  const [, number = "", unit = ""] = (await figure(within, name)).match(/^([\d.,]+)(?: (\w+))?$/) ?? []
  const factors: Record<string, number> = { "": 1, ms: 1, s: 1000, B: 1, kB: 1000, MB: 1e6 }
  return Number(number.replaceAll(",", "")) * (factors[unit] ?? Number.NaN)
}
