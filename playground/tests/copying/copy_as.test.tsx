import { cleanup, render, screen, waitFor } from "@testing-library/preact"
import { afterEach, expect, test, vi } from "vitest"
import { CopyAs } from "../../src/copying/copy_as"

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const exchange = {
  url: "./v1/chat/completions",
  body: { model: "m", messages: [], stream: true },
  frames: [],
  headAt: 1,
  endAt: 2,
  status: 200,
  outcome: "whole",
} as const

function clipboard(write: (text: string) => Promise<void>) {
  vi.stubGlobal("navigator", { clipboard: { writeText: write } })
}

test("each button copies the request with the page's own address, and says so", async () => {
  const copied: string[] = []
  clipboard(async (text) => {
    copied.push(text)
  })
  render(<CopyAs exchange={exchange} keyed={true} />)
  for (const name of ["curl", "Python", "JavaScript"]) {
    screen.getByRole("button", { name: `Copy as ${name}` }).click()
    await waitFor(() => expect(screen.getByRole("status").textContent).toBe(`Copied as ${name}`))
  }
  const page = new URL("./v1", document.baseURI).href
  expect(copied.map((text) => text.includes(page))).toEqual([true, true, true])
  expect(copied.map((text) => text.includes("MSERVE_API_KEY"))).toEqual([true, true, true])
  expect(copied[0]).toMatch(/^curl /)
  expect(copied[1]).toContain("from openai import OpenAI")
  expect(copied[2]).toContain('import OpenAI from "openai"')
})

test("without the clipboard's API the text is selected and copied as of old", async () => {
  clipboard(() => Promise.reject(new Error("not over plain HTTP")))
  let selected: string | undefined
  document.execCommand = () => {
    selected = (document.querySelector("textarea.copy-source") as HTMLTextAreaElement).value
    return true
  }
  render(<CopyAs exchange={exchange} keyed={false} />)
  screen.getByRole("button", { name: "Copy as curl" }).click()
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Copied as curl"))
  expect(selected).toMatch(/^curl /)
  expect(document.querySelector("textarea")).toBeNull()
})

test("a browser that copies nothing at all is told of", async () => {
  clipboard(() => Promise.reject(new Error("no")))
  document.execCommand = () => false
  render(<CopyAs exchange={exchange} keyed={false} />)
  screen.getByRole("button", { name: "Copy as curl" }).click()
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("did not let"))
})
