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
  /** A server that is the test's own where it is `mserve dev`, and otherwise that of all tests with the same words. */
  serve(words: readonly string[], environment?: Record<string, string>): Promise<Server>
  watch: Watch
}

interface Shared {
  running: Map<string, Server>
}

/** All that the page asks its server for. */
const PATHS = /^(v1\/models|v1\/chat\/completions|dev\/events)?$/

export const test = base.extend<Given, Shared>({
  running: [
    // biome-ignore lint/correctness/noEmptyPattern: it is made of nothing, and has to say so by a pattern
    async ({}, use) => {
      const running = new Map<string, Server>()
      await use(running)
      for (const server of running.values()) await server.stop()
    },
    { scope: "worker" },
  ],
  serve: async ({ context, watch, running }, use) => {
    const own: Server[] = []
    await use(async (words, environment) => {
      const name = JSON.stringify([words, environment])
      const server = running.get(name) ?? (await start(words, environment))
      if (words[0] === "dev") own.push(server)
      else running.set(name, server)
      watch.admits(server.url)
      return server
    })
    // A page that is still open would look for a server of its own that is gone.
    for (const page of own.length > 0 ? context.pages() : []) await page.close()
    for (const server of own) await server.stop()
  },
  watch: [
    async ({ context }, use) => {
      const faults: string[] = []
      const expected: RegExp[] = []
      const admitted: string[] = []
      context.on("request", (request) => {
        const url = request.url()
        const own = admitted.find((server) => url.startsWith(server))
        const known = own ? PATHS.test(url.slice(own.length)) : /^(data|blob|about):/.test(url)
        if (!known) faults.push(`asked for ${url}`)
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
