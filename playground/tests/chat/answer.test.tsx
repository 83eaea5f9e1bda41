import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact"
import { afterEach, expect, test, vi } from "vitest"
import { AnswerMessage } from "../../src/chat/answer"
import type { Answered, Results } from "../../src/conversation/items"
import { answered, call, hear } from "../conversation/answers"

afterEach(cleanup)

function shown(answer: Answered, more: { results?: Results; send?: (results: Results) => void } = {}) {
  const retry = vi.fn()
  const look = vi.fn()
  const { container } = render(
    <AnswerMessage answer={answer} results={more.results} looked={false} send={more.send} retry={retry} look={look} />,
  )
  return { container, retry, look }
}

test("a text grows while it is said", async () => {
  const answer = answered("speaking", { content: "Some " })
  const { container } = shown(answer)
  expect(container.textContent).toContain("Some")
  hear(answer, { content: "**words**" })
  await waitFor(() => expect(container.querySelector("strong")?.textContent).toBe("words"))
  expect(screen.queryByLabelText("Ask again")).toBeNull()
})

test("thoughts are open while they come, and folded once it speaks", async () => {
  const answer = answered("thinking", { reasoning_content: "Hm" })
  shown(answer)
  const fold = await screen.findByRole("button", { name: "Thinking…" })
  expect(fold.getAttribute("aria-expanded")).toBe("true")
  answer.phase.value = "speaking"
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Thoughts" }).getAttribute("aria-expanded")).toBe("false"),
  )
  fireEvent.click(screen.getByRole("button", { name: "Thoughts" }))
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Thoughts" }).getAttribute("aria-expanded")).toBe("true"),
  )
})

test("why it failed is told as text, with its lines, and can be tried again", () => {
  const answer = answered("failed", { content: "So far" })
  answer.problem.value = { message: "<b>Oh\nno", how: "refused", status: 500, code: "program_error", param: undefined }
  const { container, retry } = shown(answer)
  expect(screen.getByRole("alert").querySelector(".reason")?.textContent).toBe("<b>Oh\nno")
  expect(screen.getByRole("alert").textContent).toContain("500 · program_error")
  expect(container.textContent).toContain("So far")
  fireEvent.click(screen.getByText("Try again"))
  expect(retry).toHaveBeenCalledOnce()
})

test("arguments are seen as they grow, and laid out at the end", async () => {
  const answer = answered("calling", call(0, "x", "f", '{"a":'))
  const { container } = shown(answer)
  const text = () => container.querySelector(".arguments")?.textContent
  await waitFor(() => expect(text()).toBe('{"a":'))
  hear(answer, { tool_calls: [{ index: 0, function: { arguments: "1}" } }] })
  await waitFor(() => expect(text()).toBe('{"a":1}'))
  expect(container.querySelector("textarea")).toBeNull()
  answer.phase.value = "whole"
  await waitFor(() => expect(text()).toBe('{\n  "a": 1\n}'))
})

test("all calls are answered by one form, each by its place", async () => {
  const send = vi.fn()
  shown(answered("whole", call(0, "x", "f", "{}"), call(1, "y", "g", "{}")), { send })
  fireEvent.input(screen.getByLabelText("Result of f"), { target: { value: "sunny" } })
  fireEvent.input(screen.getByLabelText("Result of g"), { target: { value: "rain" } })
  fireEvent.keyDown(screen.getByLabelText("Result of f"), { key: "Enter" })
  expect(send).not.toHaveBeenCalled()
  expect(document.activeElement).toBe(screen.getByLabelText("Result of g"))
  fireEvent.keyDown(screen.getByLabelText("Result of g"), { key: "Enter", shiftKey: true })
  expect(send).not.toHaveBeenCalled()
  fireEvent.keyDown(screen.getByLabelText("Result of g"), { key: "Enter" })
  expect(send.mock.calls[0]?.[0]).toMatchObject({ is: "results", of: { 0: "sunny", 1: "rain" } })
})

test("calls that were answered show it, and cannot be answered again", () => {
  const results: Results = { is: "results", id: "r", of: { 0: "" } }
  const { container } = shown(answered("whole", call(0, "x", "f", "{}")), { results, send: vi.fn() })
  expect(container.querySelector("textarea")).toBeNull()
  expect(container.querySelector(".result")?.textContent).toContain("(empty)")
})

test("two calls of one id are two calls, each with a result of its own", () => {
  const send = vi.fn()
  const answer = answered("whole", call(0, "x", "f", "{}"), call(1, "x", "g", "{}"))
  shown(answer, { send })
  fireEvent.input(screen.getByLabelText("Result of f"), { target: { value: "sunny" } })
  fireEvent.input(screen.getByLabelText("Result of g"), { target: { value: "rain" } })
  fireEvent.click(screen.getByText("Send the results"))
  const results: Results = send.mock.calls[0]?.[0]
  cleanup()
  const { container } = shown(answer, { results })
  expect([...container.querySelectorAll(".result pre")].map((shown) => shown.textContent)).toEqual(["sunny", "rain"])
})

test("while nothing can be asked, no answer is asked for again and no result is sent", () => {
  const send = vi.fn()
  const retry = vi.fn()
  const answer = answered("whole", call(0, "x", "f", "{}"))
  answer.problem.value = { message: "No.", how: "failed", status: undefined, code: undefined, param: undefined }
  const props = { answer, results: undefined, looked: false, send, retry, look: vi.fn() }
  render(<AnswerMessage {...props} hindrance="A fault" />)
  fireEvent.keyDown(screen.getByLabelText("Result of f"), { key: "Enter" })
  for (const name of ["Send the result", "Ask again", "Try again"]) {
    const button = screen.getByRole<HTMLButtonElement>("button", { name })
    expect([button.disabled, button.title]).toEqual([true, "A fault"])
    fireEvent.click(button)
  }
  expect([send.mock.calls.length, retry.mock.calls.length]).toEqual([0, 0])
})

test("of very many calls the first are shown and the others counted, and all are answered", () => {
  const send = vi.fn()
  const calls = Array.from({ length: 1_000 }, (_, index) => call(index, `id${index}`, "f", "{}"))
  const { container } = shown(answered("whole", ...calls), { send })
  expect(container.querySelectorAll("section.call")).toHaveLength(100)
  expect(container.textContent).toContain("900 more calls are not shown")
  fireEvent.click(screen.getByText("Send the results"))
  expect(Object.keys(send.mock.calls[0]?.[0].of)).toHaveLength(1_000)
})

test("JSON that was asked for is laid out at the end", async () => {
  const answer: Answered = { ...answered("speaking", { content: '{"a":[1,' }), json: true }
  const { container } = shown(answer)
  const text = () => container.querySelector("figure code")?.textContent
  await waitFor(() => expect(text()).toBe('{"a":[1,'))
  hear(answer, { content: "2]}" })
  answer.phase.value = "whole"
  await waitFor(() => expect(text()).toBe('{\n  "a": [\n    1,\n    2\n  ]\n}'))
})

test("JSON that was asked for and is none is drawn as any other text", async () => {
  for (const text of ["no *json*", "[a link](https://example.com) *json*", "  *json*"]) {
    const answer: Answered = { ...answered("failed", { content: text }), json: true }
    const { container } = shown(answer)
    await waitFor(() => expect(container.querySelector("em")?.textContent).toBe("json"))
    expect(container.querySelector("figure")).toBeNull()
    cleanup()
  }
})

test("what is JSON is known by its beginning, as soon as that is there", async () => {
  const answer: Answered = { ...answered("speaking", { content: " [" }), json: true }
  const { container } = shown(answer)
  expect(container.querySelector(".markdown")?.textContent).toBe("")
  hear(answer, { content: '"a"' })
  await waitFor(() => expect(container.querySelector("figure code")?.textContent).toBe(' ["a"'))
  answer.phase.value = "stopped"
  await waitFor(() => expect(container.querySelector("figure code")?.textContent).toBe(' ["a"'))
})

test("an answer that was cut says so, and how many tokens it took", () => {
  const answer = answered("speaking", { content: "a" })
  answer.fold.add({
    kind: "finish",
    text: "",
    reasoning: "",
    calls: [],
    finish: "length",
    usage: { input: 3, output: 5, total: 8 },
    problem: undefined,
  })
  answer.phase.value = "whole"
  const { container } = shown(answer)
  expect(container.textContent).toContain("cut: length")
  expect(container.textContent).toContain("3 in, 5 out")
})

test("it is told before it is asked again without pictures that are gone", async () => {
  const retry = vi.fn()
  render(
    <AnswerMessage
      answer={answered("whole", { content: "A cat." })}
      results={undefined}
      looked={false}
      send={undefined}
      gone={2}
      retry={retry}
      look={vi.fn()}
    />,
  )
  fireEvent.click(screen.getByLabelText("Ask again"))
  expect((await screen.findByRole("alert")).textContent).toContain("2 pictures, not kept")
  fireEvent.click(screen.getByText("Cancel"))
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull())
  expect(retry).not.toHaveBeenCalled()
  fireEvent.click(screen.getByLabelText("Ask again"))
  fireEvent.click(await screen.findByText("Ask without"))
  expect(retry).toHaveBeenCalledOnce()
})
