// @vitest-environment node

import { expect, test } from "vitest"
import { drawLabels, type Label } from "../../src/timeline/labels"

interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

/** What is drawn of labels on a canvas where each character is 6 pixels wide. */
function drawn(labels: readonly Label[], ratio = 1) {
  const grounds: Box[] = []
  const words: { text: string; x: number; y: number; on: Box | undefined }[] = []
  const context = {
    font: "",
    fillStyle: "",
    textAlign: "left" as const,
    textBaseline: "top" as const,
    measureText: (text: string) => ({ width: text.length * 6 * ratio }) as TextMetrics,
    fillRect: (left: number, top: number, width: number, height: number) => {
      if (context.fillStyle === "white") grounds.push({ left, top, right: left + width, bottom: top + height })
    },
    fillText: (text: string, x: number, y: number) => {
      if (context.fillStyle === "black") words.push({ text, x, y, on: grounds.at(-1) })
    },
  }
  const area = { left: 0, top: 8, width: 500, height: 132, ratio }
  drawLabels(context, labels, area, { ground: "white", words: "black" })
  return { grounds, words }
}

const label = (more: Partial<Label>): Label => ({ text: "head 1 ms", x: 100, row: 0, align: "left", ...more })

test("each label is written upon a ground that holds all of it", () => {
  for (const ratio of [1, 2]) {
    for (const align of ["left", "right", "center"] as const) {
      const { words } = drawn([label({ align })], ratio)
      const [{ x, y, on } = { x: 0, y: 0, on: undefined }] = words
      expect(x).toBe({ left: 100, right: 100 - 54 * ratio, center: 100 - 27 * ratio }[align])
      expect(on?.left).toBeLessThan(x)
      expect(on?.right).toBeGreaterThan(x + 54 * ratio)
      expect(on?.top).toBeLessThanOrEqual(y - 6 * ratio)
      expect(on?.bottom).toBeGreaterThanOrEqual(y + 6 * ratio)
    }
  }
})

test("labels of different rows never touch, wherever their lines are", () => {
  const { grounds } = drawn([label({ row: 1 }), label({ row: 0 }), label({ row: 2 })])
  const sorted = grounds.toSorted((one, other) => one.top - other.top)
  expect(sorted).toHaveLength(3)
  sorted.slice(1).forEach((box, place) => {
    expect(box.top).toBeGreaterThan(sorted[place]?.bottom ?? 0)
  })
})

test("a label without room is left out, with its ground", () => {
  const { words, grounds } = drawn([label({ room: 53 }), label({ text: "b", room: 54 })])
  expect([words.map(({ text }) => text), grounds.length]).toEqual([["b"], 1])
})
