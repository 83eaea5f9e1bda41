import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact"
import { afterEach, expect, test, vi } from "vitest"
import { AskedMessage } from "../../src/chat/asked"

afterEach(cleanup)

function shown({ images = ["data:image/png;base64,AA"], hindrance }: { images?: string[]; hindrance?: string } = {}) {
  const edit = vi.fn()
  const { container } = render(
    <AskedMessage asked={{ is: "asked", id: "a", text: "<b>hi\nyou", images }} hindrance={hindrance} edit={edit} />,
  )
  return { container, edit }
}

test("what was said is shown as text, with its pictures", () => {
  const { container } = shown()
  expect(container.querySelector(".bubble")?.textContent).toBe("<b>hi\nyou")
  expect(screen.getByRole("img").getAttribute("src")).toBe("data:image/png;base64,AA")
})

test("it can be said anew", async () => {
  const { edit } = shown()
  fireEvent.click(screen.getByLabelText("Edit this message"))
  const field = await screen.findByLabelText("Your message")
  fireEvent.input(field, { target: { value: "else" } })
  fireEvent.keyDown(field, { key: "Enter" })
  expect(edit).toHaveBeenCalledWith("else")
  await waitFor(() => expect(screen.queryByLabelText("Your message")).toBeNull())
})

test.each([
  ["an empty message", { images: [] }, "  "],
  ["what cannot be asked now", { hindrance: "A fault" }, "else"],
])("%s is not sent, and stays to be mended", async (_what, given, text) => {
  const { edit } = shown(given)
  fireEvent.click(screen.getByLabelText("Edit this message"))
  const field = await screen.findByLabelText("Your message")
  fireEvent.input(field, { target: { value: text } })
  await waitFor(() => expect(screen.getByText<HTMLButtonElement>("Send").disabled).toBe(true))
  fireEvent.keyDown(field, { key: "Enter" })
  expect(edit).not.toHaveBeenCalled()
  expect(screen.queryByLabelText("Your message")).not.toBeNull()
})

test("Escape leaves it as it was, and is nobody else's", async () => {
  const { edit } = shown()
  const outside = vi.fn()
  document.addEventListener("keydown", outside)
  fireEvent.click(screen.getByLabelText("Edit this message"))
  fireEvent.keyDown(await screen.findByLabelText("Your message"), { key: "Escape" })
  document.removeEventListener("keydown", outside)
  await waitFor(() => expect(screen.queryByLabelText("Your message")).toBeNull())
  expect([edit.mock.calls.length, outside.mock.calls.length]).toEqual([0, 0])
})

test("pictures that are gone are told of, also before it is said anew", async () => {
  render(<AskedMessage asked={{ is: "asked", id: "a", text: "hi", images: [], gone: 1 }} edit={vi.fn()} />)
  expect(screen.getByLabelText("You").textContent).toBe("1 picture, not kepthi")
  fireEvent.click(screen.getByLabelText("Edit this message"))
  expect(await screen.findByText(/sent without 1 picture, not kept/)).toBeTruthy()
})
