// @vitest-environment-options {"settings": {"fetch": {"disableSameOriginPolicy": true}}}

import type { RequestListener, ServerResponse } from "node:http"
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact"
import { afterEach, expect, test, vi } from "vitest"
import { App } from "../../src/app/app"
import { storagesOf } from "../../src/browser/storage"
import { changeTheme, startTheme } from "../../src/settings/theme"
import { Memory } from "../conversation/kept"
import { endServers, frame, SSE, say, serving } from "../serving"

afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  cleanup()
  document.head.replaceChildren()
  localStorage.clear()
  sessionStorage.clear()
  await endServers()
})

type Parts = { [path: string]: RequestListener }

const models = (...names: string[]): RequestListener => {
  return (_request, response) => response.end(JSON.stringify({ data: names.map((id) => ({ id })) }))
}

/** The page of a server that answers at these paths. */
async function opened(parts: Parts): Promise<void> {
  const base = document.createElement("base")
  base.href = await serving((request, response) => {
    const part = parts[request.url ?? ""]
    if (part) part(request, response)
    else response.writeHead(404).end()
  })
  document.head.append(base)
  storagesOf(window).lasting.setItem("mserve.timeline", "off")
  render(<App storages={storagesOf(window)} />)
}

function write(text: string): void {
  const field = screen.getByLabelText("Message")
  fireEvent.input(field, { target: { value: text } })
  fireEvent.keyDown(field, { key: "Enter" })
}

const chosen = (label: string) => screen.getByLabelText<HTMLSelectElement>(label).value

test("a prompt is answered by the program that was chosen, and the end is announced", async () => {
  await opened({
    "/v1/models": models("a", "b"),
    "/v1/chat/completions": (_request, response) => say(response, "hello"),
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  fireEvent.change(screen.getByLabelText("Program"), { target: { value: "b" } })
  write("hi")
  await screen.findByText("b: The answer is complete.")
  expect(screen.getByLabelText("b answers")).toBeTruthy()
  fireEvent.click(screen.getByLabelText("New chat"))
  await waitFor(() => expect(screen.queryByLabelText("b answers")).toBeNull())
})

test("two programs stand side by side, each with a program of its own", async () => {
  await opened({ "/v1/models": models("a", "b"), "/v1/chat/completions": (_request, response) => say(response, "x") })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  fireEvent.click(screen.getByLabelText("Compare two programs"))
  await waitFor(() => expect(chosen("Second program")).toBe("b"))
  write("hi")
  await screen.findByText("a: The answer is complete.")
  await screen.findByText("b: The answer is complete.")
})

test("a comparison begins with another program, and says that it begins there", async () => {
  await opened({
    "/v1/models": models("a", "b", "c"),
    "/v1/chat/completions": (_request, response) => say(response, "x"),
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  const compare = () => fireEvent.click(screen.getByLabelText("Compare two programs"))
  fireEvent.change(screen.getByLabelText("Program"), { target: { value: "b" } })
  write("hi")
  await screen.findByText("b: The answer is complete.")
  compare()
  await waitFor(() => expect(chosen("Second program")).toBe("c"))
  expect(screen.getByText(/^Begins here/)).toBeTruthy()
  compare()
  await waitFor(() => expect(screen.queryByLabelText("Second program")).toBeNull())
  expect(screen.queryByText(/^Begins here/)).toBeNull()
  fireEvent.change(screen.getByLabelText("Program"), { target: { value: "c" } })
  compare()
  await waitFor(() => expect(chosen("Second program")).toBe("a"))
})

test("Escape stops the answer, and / goes to the message", async () => {
  await opened({
    "/v1/models": models("a"),
    "/v1/chat/completions": (_request, response) => void response.writeHead(200, SSE).write(frame({ content: "x" })),
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  write("hi")
  await screen.findByText("a: The answer begins.")
  fireEvent.keyDown(document.body, { key: "Escape", isComposing: true })
  expect(screen.queryByText("a: The answer was stopped.")).toBeNull()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(screen.queryByText("a: The answer was stopped.")).toBeNull()
  fireEvent.keyDown(document.body, { key: "Escape" })
  await screen.findByText("a: The answer was stopped.")
  fireEvent.keyDown(document.body, { key: "/" })
  expect(document.activeElement).toBe(screen.getByLabelText("Message"))
})

test("a fault in the settings is told beside it, and nothing is sent until it is mended", async () => {
  await opened({ "/v1/models": models("a"), "/v1/chat/completions": (_request, response) => say(response, "x") })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  fireEvent.click(screen.getByLabelText("Settings"))
  const field = await screen.findByLabelText("Extra body")
  fireEvent.input(field, { target: { value: "{" } })
  await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"))
  expect(screen.getByText("Settings with a fault: Extra body")).toBeTruthy()
  write("hi")
  expect(screen.queryByLabelText("a answers")).toBeNull()
  fireEvent.click(screen.getByText("Forget the chat and these settings"))
  await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("false"))
  fireEvent.keyDown(screen.getByLabelText("Message"), { key: "Enter" })
  await screen.findByText("a: The answer is complete.")
})

test("which settings are in force is said while they are closed, and leads to them", async () => {
  await opened({ "/v1/models": models("a") })
  fireEvent.click(screen.getByLabelText("Settings"))
  fireEvent.input(await screen.findByLabelText("Seed"), { target: { value: "7" } })
  expect(screen.queryByText("Seed 7")).toBeNull()
  fireEvent.click(screen.getByText("Close"))
  fireEvent.click(await screen.findByText("Seed 7"))
  await screen.findByLabelText("Seed")
  await waitFor(() => expect(screen.queryByText("Seed 7")).toBeNull())
})

test("nothing is sent to no program: the message stays until there is one", async () => {
  await opened({ "/v1/models": models() })
  await screen.findByText("There is no program to ask")
  write("hi")
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(screen.queryByLabelText("You")).toBeNull()
  expect(screen.getByLabelText<HTMLTextAreaElement>("Message").value).toBe("hi")
})

test("an example fills an empty field", async () => {
  await opened({ "/v1/models": models("a") })
  fireEvent.click(screen.getByLabelText("Settings"))
  fireEvent.click((await screen.findAllByText(/Insert an example/))[0] as HTMLElement)
  await waitFor(() => expect(screen.getByLabelText<HTMLTextAreaElement>("Tools").value).toContain("get_weather"))
})

test("what was written and not sent is there after a reload, until it is sent", async () => {
  await opened({ "/v1/models": models("a"), "/v1/chat/completions": (_request, response) => say(response, "x") })
  fireEvent.input(screen.getByLabelText("Message"), { target: { value: "How d" } })
  cleanup()
  render(<App storages={storagesOf(window)} />)
  const field = screen.getByLabelText<HTMLTextAreaElement>("Message")
  expect(field.value).toBe("How d")
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  fireEvent.keyDown(field, { key: "Enter" })
  await screen.findByText("a: The answer is complete.")
  cleanup()
  render(<App storages={storagesOf(window)} />)
  expect(screen.getByLabelText<HTMLTextAreaElement>("Message").value).toBe("")
})

test("the key of this tab is shown to the server with each request", async () => {
  const keys: unknown[] = []
  const seen = (then: RequestListener): RequestListener => {
    return (request, response) => {
      if (request.method !== "OPTIONS") keys.push(request.headers.authorization)
      then(request, response)
    }
  }
  sessionStorage.setItem("mserve.key", "k")
  await opened({
    "/v1/models": seen(models("a")),
    "/v1/chat/completions": seen((_request, response) => say(response, "x")),
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  write("hi")
  await screen.findByText("a: The answer is complete.")
  expect(keys).toEqual(["Bearer k", "Bearer k"])
  expect(document.body.innerHTML).not.toContain("Bearer k")
})

test("a server that refuses is told of, and asked again on demand", async () => {
  let refuse = true
  await opened({
    "/v1/models": (request, response) => {
      if (refuse) response.writeHead(503).end('{"error":{"message":"Not yet."}}')
      else models("a")(request, response)
    },
  })
  await screen.findByText("Not yet.")
  refuse = false
  fireEvent.click(screen.getByText("Try again"))
  await waitFor(() => expect(screen.queryByText("Not yet.")).toBeNull())
  expect(chosen("Program")).toBe("a")
})

test("under mserve dev it is told what becomes of an edit, and new programs are found", async () => {
  let names = ["a"]
  let events: ServerResponse | undefined
  const tell = (message: object) => events?.write(`data: ${JSON.stringify(message)}\n\n`)
  await opened({
    "/v1/models": (request, response) => models(...names)(request, response),
    "/dev/events": (_request, response) => {
      events = response.writeHead(200, SSE)
      tell({ type: "serving", programs: ["a"] })
    },
  })
  await waitFor(() => expect(events).toBeDefined())
  tell({ type: "edited", files: ["hello.py"] })
  await screen.findByText("Edited: hello.py. Loading…")
  tell({ type: "failed", reason: "SyntaxError\n  hello.py, line 3" })
  expect((await screen.findByText(/SyntaxError/)).textContent).toBe("SyntaxError\n  hello.py, line 3")
  names = ["b"]
  tell({ type: "serving", programs: ["b"] })
  await screen.findByText("The edited program is served now.")
  await waitFor(() => expect(chosen("Program")).toBe("b"))
})

test("another server under mserve dev at the same address is asked what it serves, though nothing was edited", async () => {
  let names = ["a"]
  let events: ServerResponse | undefined
  await opened({
    "/v1/models": (request, response) => models(...names)(request, response),
    "/dev/events": (_request, response) => {
      events = response.writeHead(200, SSE)
      events.write(`data: ${JSON.stringify({ type: "serving", programs: names })}\n\n`)
    },
  })
  await waitFor(() => expect(events).toBeDefined())
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  names = ["b"]
  events?.end()
  await waitFor(() => expect(chosen("Program")).toBe("b"))
  expect(screen.queryByText("The edited program is served now.")).toBeNull()
})

for (const name of ["localStorage", "sessionStorage"] as const) {
  test(`a browser that forbids its ${name} has the page all the same`, async () => {
    vi.spyOn(window, name, "get").mockImplementation(() => {
      throw new DOMException("The operation is insecure.", "SecurityError")
    })
    await opened({ "/v1/models": models("a") })
    fireEvent.click(screen.getByRole("button", { name: "Timeline" }))
    fireEvent.click(screen.getByLabelText(/^Colours/))
    fireEvent.input(screen.getByLabelText("Message"), { target: { value: "hi" } })
    fireEvent.click(screen.getByLabelText("Settings"))
    fireEvent.click(await screen.findByText("Forget the chat and these settings"))
    expect(screen.getByLabelText<HTMLTextAreaElement>("Message").value).toBe("hi")
  })
}

test("a browser without room keeps nothing, and answers all the same", async () => {
  const full = new Memory()
  full.room = 0
  vi.spyOn(window, "localStorage", "get").mockReturnValue(full)
  await opened({ "/v1/models": models("a"), "/v1/chat/completions": (_request, response) => say(response, "x") })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  fireEvent.click(screen.getByRole("button", { name: "Timeline" }))
  write("hi")
  await screen.findByText("a: The answer is complete.")
})

test("a key that could not be kept is the one that the page was opened with", async () => {
  const keys: unknown[] = []
  vi.spyOn(window, "sessionStorage", "get").mockImplementation(() => {
    throw new DOMException("The operation is insecure.", "SecurityError")
  })
  vi.stubGlobal("mserveKey", "k")
  await opened({
    "/v1/models": (request, response) => {
      if (request.method !== "OPTIONS") keys.push(request.headers.authorization)
      models("a")(request, response)
    },
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  expect(keys).toEqual(["Bearer k"])
})

test("what mserve dev tells of its programs is not asked for again", async () => {
  let asked = 0
  let events: ServerResponse | undefined
  await opened({
    "/v1/models": (request, response) => {
      if (request.method !== "OPTIONS") asked += 1
      models("a")(request, response)
    },
    "/dev/events": (_request, response) => {
      events = response.writeHead(200, SSE)
      events.flushHeaders()
    },
  })
  await waitFor(() => expect(chosen("Program")).toBe("a"))
  await waitFor(() => expect(events).toBeDefined())
  events?.write(`data: ${JSON.stringify({ type: "serving", programs: ["b"] })}\n\n`)
  await waitFor(() => expect(chosen("Program")).toBe("b"))
  expect(asked).toBe(1)
})

test("dark and light are the system's until one is chosen, which is kept", () => {
  const now = () => document.documentElement.dataset.theme
  const storage = storagesOf(window).lasting
  startTheme(storage)
  expect(now()).toBeUndefined()
  changeTheme(storage)
  changeTheme(storage)
  expect(now()).toBe("dark")
  startTheme(storage)
  expect(now()).toBe("dark")
  changeTheme(storage)
  expect(now()).toBeUndefined()
})
