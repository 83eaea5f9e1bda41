/** Who gets in: nobody without a key where there are keys, and nobody at all where the page is switched off. */

import { execFileSync } from "node:child_process"
import { answer, ask, settled } from "./chat"
import { program } from "./server"
import { expect, picture, test } from "./test"

const KEY = "sk-a-key-of-this-test"
const PROGRAMS = ["run", `${program("newcomer.py")}:brief`]

test("with keys the page is nobody's without one: it is asked for, and used from then on", async ({
  page,
  serve,
  watch,
}) => {
  const server = await serve(PROGRAMS, { MSERVE_API_KEY: KEY })
  watch.expects(/status of 401/)
  const refused = await page.goto(server.url)
  expect(refused?.status()).toBe(401)
  const page401 = await page.content()
  expect(page401).not.toContain("composer")
  await picture(page, "sign-in")

  const field = page.getByLabel("API key")
  await field.fill("sk-another")
  await field.press("Enter")
  await expect(page.getByRole("alert")).toHaveText("The server does not know this key.")
  await field.fill(KEY)
  await field.press("Enter")
  await ask(page, "hello there")
  await expect(answer(page)).toContainText("Briefly: hello there")
  await settled(page)
  await expect(page.getByText(KEY)).toHaveCount(0)

  await answer(page).getByRole("button", { name: "Copy as curl" }).click()
  await expect(page.getByText("Copied as curl")).toBeVisible()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  expect(copied).not.toContain(KEY)
  const env = { ...process.env, MSERVE_API_KEY: KEY }
  expect(execFileSync("bash", { input: copied, encoding: "utf8", env })).toContain('"content":"Briefly: ')

  await page.reload() // the tab keeps the key
  await expect(answer(page)).toContainText("Briefly: hello there")
})

test("a browser that keeps nothing shows the key to the page all the same", async ({ page, serve, watch }) => {
  const server = await serve(PROGRAMS, { MSERVE_API_KEY: KEY })
  watch.expects(/status of 401/)
  await page.addInitScript(() => {
    const forbidden = () => {
      throw new DOMException("The operation is insecure.", "SecurityError")
    }
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: forbidden })
  })
  await page.goto(server.url)
  await page.getByLabel("API key").fill(KEY)
  await page.getByLabel("API key").press("Enter")
  await ask(page, "hello there")
  await expect(answer(page)).toContainText("Briefly: hello there")
})

test("no client but a browser sees the form: the refusal is JSON, as everywhere", async ({ serve }) => {
  const server = await serve(PROGRAMS, { MSERVE_API_KEY: KEY })
  const refused = await fetch(server.url, { headers: { accept: "*/*" } })
  expect(refused.status).toBe(401)
  expect((await refused.json()).error.code).toBe("invalid_api_key")
})

test("with --no-playground there is no page, and with it no other way in", async ({ page, serve, watch }) => {
  const server = await serve([...PROGRAMS, "--no-playground"])
  watch.expects(/status of 404/)
  const refused = await page.goto(server.url)
  expect(refused?.status()).toBe(404)
  expect((await fetch(`${server.url}v1/models`)).status).toBe(200)
})
