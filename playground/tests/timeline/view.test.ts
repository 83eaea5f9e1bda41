import { expect, test } from "vitest"
import { between, isWhole, panned, showing, whole, zoomed } from "../../src/timeline/view"
import { seeded } from "./exchanges"

const all = { from: 0, to: 1000 }

test("the whole is all of the time and a little more, and never nothing", () => {
  expect(whole(1000)).toEqual({ from: 0, to: 1030 })
  expect(whole(undefined).to).toBeGreaterThan(0)
})

test("zooming keeps the time under the pointer where it is", () => {
  const view = zoomed({ from: 200, to: 600 }, 0.5, 0.25, all)
  expect(view).toEqual({ from: 250, to: 450 })
})

test("panning moves by a share of the width, and stops at the ends", () => {
  expect(panned({ from: 200, to: 600 }, 0.25, all)).toEqual({ from: 300, to: 700 })
  expect(panned({ from: 200, to: 600 }, 9, all)).toEqual({ from: 600, to: 1000 })
  expect(panned({ from: 200, to: 600 }, -9, all)).toEqual({ from: 0, to: 400 })
})

test("a selection is shown whichever way it was dragged", () => {
  expect(between(700, 300, all)).toEqual({ from: 300, to: 700 })
  expect(between(300, 700, all)).toEqual({ from: 300, to: 700 })
})

test("a chosen time comes into view, and leaves a view that shows it as it is", () => {
  const view = { from: 200, to: 300 }
  expect(showing(view, 250, all)).toBe(view)
  expect(showing(view, 400, all)).toEqual({ from: 305, to: 405 })
  expect(showing(view, 100, all)).toEqual({ from: 95, to: 195 })
  expect(showing(view, 0, all)).toEqual({ from: 0, to: 100 })
})

test("law: whatever is done, the view stays within the whole and is never empty", () => {
  const random = seeded(3)
  let view = all
  for (let turn = 0; turn < 5000; turn += 1) {
    const moves = [
      () => zoomed(view, 0.2 + 2 * random(), random(), all),
      () => panned(view, 4 * random() - 2, all),
      () => between(2000 * random() - 500, 2000 * random() - 500, all),
      () => showing(view, 1000 * random(), all),
    ]
    view = (moves[Math.floor(random() * moves.length)] as (typeof moves)[number])()
    expect(view.from).toBeGreaterThanOrEqual(0)
    expect(view.to).toBeLessThanOrEqual(1000.000001)
    expect(view.to - view.from).toBeGreaterThan(0.999)
  }
  expect(isWhole(zoomed(view, 1e9, 0.5, all), all)).toBe(true)
})
