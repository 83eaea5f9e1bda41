import { render } from "@testing-library/preact"
import { expect, test } from "vitest"
import { App } from "../src/app/app"

test("the page renders", () => {
  expect(render(<App />).container.textContent).toContain("mserve")
})
