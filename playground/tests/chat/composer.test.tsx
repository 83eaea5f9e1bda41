// happy-dom knows of no drop.
// @vitest-environment jsdom

import { signal } from "@preact/signals"
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact"
import { afterEach, expect, test, vi } from "vitest"
import { Composer } from "../../src/chat/composer"

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

function shown(props: { busy?: boolean; hindrance?: string } = {}) {
  const send = vi.fn()
  const stop = vi.fn()
  const text = signal("")
  render(<Composer text={text} busy={props.busy ?? false} hindrance={props.hindrance} send={send} stop={stop} />)
  const field = screen.getByLabelText<HTMLTextAreaElement>("Message")
  return { send, stop, field, write: (value: string) => fireEvent.input(field, { target: { value } }) }
}

test("Enter sends, and Shift+Enter does not", async () => {
  const { send, field, write } = shown()
  write("hi")
  fireEvent.keyDown(field, { key: "Enter", shiftKey: true })
  fireEvent.keyDown(field, { key: "Enter", isComposing: true })
  expect(send).not.toHaveBeenCalled()
  fireEvent.keyDown(field, { key: "Enter" })
  expect(send).toHaveBeenCalledWith("hi", [])
  await waitFor(() => expect(field.value).toBe(""))
})

test("nothing is sent while there is nothing to send", () => {
  const { send, field, write } = shown()
  write("  \n")
  fireEvent.keyDown(field, { key: "Enter" })
  expect(send).not.toHaveBeenCalled()
  expect(screen.getByLabelText<HTMLButtonElement>("Send").disabled).toBe(true)
})

test("while an answer is being said, it can be stopped, and the next prompt be written", () => {
  const { send, stop, field, write } = shown({ busy: true })
  write("next")
  fireEvent.keyDown(field, { key: "Enter" })
  expect(send).not.toHaveBeenCalled()
  expect(field.value).toBe("next")
  fireEvent.click(screen.getByLabelText("Stop"))
  expect(stop).toHaveBeenCalledOnce()
})

test("what keeps it from sending is told", () => {
  const { send, field, write } = shown({ hindrance: "A fault" })
  write("hi")
  fireEvent.keyDown(field, { key: "Enter" })
  expect(send).not.toHaveBeenCalled()
  expect(screen.getByRole("alert").textContent).toBe("A fault")
})

test("pictures are attached by paste, drop and choice, and can be taken away", async () => {
  const { send, field } = shown()
  const picture = (name: string) => new File([name], `${name}.png`, { type: "image/png" })
  fireEvent.paste(field, { clipboardData: { files: [picture("a"), new File(["x"], "x.txt", { type: "text/plain" })] } })
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(1))
  fireEvent.drop(field, { dataTransfer: { files: [picture("b")], types: ["Files"] } })
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(2))
  fireEvent.change(screen.getByLabelText("Pictures"), { target: { files: [picture("c")] } })
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(3))
  fireEvent.click(screen.getByLabelText("Remove picture 2"))
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(2))
  fireEvent.click(screen.getByLabelText("Send"))
  fireEvent.submit(field.form as HTMLFormElement)
  const url = (text: string) => `data:image/png;base64,${btoa(text)}`
  expect(send).toHaveBeenCalledWith("", [url("a"), url("c")])
})

test("a picture that is too large is left out, and told", async () => {
  const { field } = shown()
  const large = new File([new Uint8Array(10_000_001)], "a.png", { type: "image/png" })
  fireEvent.paste(field, { clipboardData: { files: [large] } })
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("10 MB"))
  expect(screen.queryByRole("img")).toBeNull()
})

test("a file that is no picture is left out, and told", async () => {
  const { field } = shown()
  fireEvent.drop(field, {
    dataTransfer: { files: [new File(["x"], "x.txt", { type: "text/plain" })], types: ["Files"] },
  })
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("Only pictures"))
  fireEvent.paste(field, { clipboardData: { files: [new File(["a"], "a.png", { type: "image/png" })] } })
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull())
})

test("it has the focus from the start, but not on a touch screen", () => {
  for (const matches of [true, false]) {
    vi.stubGlobal("matchMedia", () => ({ matches }))
    const { field } = shown()
    expect(document.activeElement === field).toBe(!matches)
    cleanup()
  }
})

const picture = () => new File(["a"], "a.png", { type: "image/png" })

test("a picture that is dropped anywhere is attached, and the page stays", async () => {
  shown()
  const dataTransfer = { files: [picture()], types: ["Files"] }
  expect(fireEvent.dragOver(document.body, { dataTransfer })).toBe(false)
  expect(fireEvent.drop(document.body, { dataTransfer })).toBe(false)
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(1))
})

test("text that is dropped is the browser's to write", () => {
  const { field } = shown()
  const dataTransfer = { files: [], types: ["text/plain"] }
  expect(fireEvent.dragOver(field, { dataTransfer })).toBe(true)
  expect(fireEvent.drop(field, { dataTransfer })).toBe(true)
})

test("text that is pasted with a picture of it is text alone", async () => {
  const { field } = shown()
  fireEvent.paste(field, { clipboardData: { files: [picture()], types: ["text/plain", "text/html", "Files"] } })
  fireEvent.paste(field, { clipboardData: { files: [picture()], types: ["Files"] } })
  await waitFor(() => expect(screen.queryAllByRole("img")).toHaveLength(1))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(screen.getAllByRole("img")).toHaveLength(1)
})

test("of a picture that is attached twice one can be removed", async () => {
  const { field } = shown()
  fireEvent.paste(field, { clipboardData: { files: [picture(), picture()], types: ["Files"] } })
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(2))
  fireEvent.click(screen.getByLabelText("Remove picture 2"))
  await waitFor(() => expect(screen.getAllByRole("img")).toHaveLength(1))
})
