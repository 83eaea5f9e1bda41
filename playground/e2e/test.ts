/** What every test of the page has: servers that end with it, and a watch on all that the page does. */

import { test as base, type Page } from "@playwright/test"
import { type Server, start } from "./server"

export { expect } from "@playwright/test"

export interface Watch {
  /** What must not be, in words. */
  readonly faults: string[]
  /** Console errors that this test provokes. */
  expects(message: RegExp): void
  /** Further servers that the page may speak to. */
  admits(url: string): void
}

interface Given {
  serve(words: readonly string[], environment?: Record<string, string>): Promise<Server>
  watch: Watch
}

/** Only `mserve dev` has this stream, and a version that is replaced, or ends with the test, ends it. */
const NO_EVENTS = /Failed to load resource.*\/dev\/events$/

export const test = base.extend<Given>({
  serve: async ({ watch }, use) => {
    const servers: Server[] = []
    await use(async (words, environment) => {
      const server = await start(words, environment)
      servers.push(server)
      watch.admits(server.url)
      return server
    })
    await Promise.all(servers.map((server) => server.stop()))
  },
  watch: [
    async ({ context }, use) => {
      const faults: string[] = []
      const expected = [NO_EVENTS]
      const admitted: string[] = []
      context.on("request", (request) => {
        const url = request.url()
        const own = admitted.some((server) => url.startsWith(server))
        if (!own && !/^(data|blob|about):/.test(url)) faults.push(`asked for ${url}`)
      })
      context.on("weberror", (error) => faults.push(`threw ${error.error().stack}`))
      context.on("console", (message) => {
        const text = `${message.text()} ${message.location().url}`
        if (message.type() === "error" && !expected.some((one) => one.test(text))) faults.push(`logged ${text}`)
      })
      await use({ faults, expects: (message) => expected.push(message), admits: (url) => admitted.push(url) })
      base.expect(faults).toEqual([])
    },
    { auto: true },
  ],
})

/** The share of large counts that is run. */
export const SHARE = Number(process.env.MSERVE_TEST_SHARE ?? "1")

/** Keeps a picture for the documents, where they are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.UI_PICTURES) return
  await page.screenshot({ path: `../docs/pictures/${name}.png`, animations: "disabled", caret: "hide" })
}
