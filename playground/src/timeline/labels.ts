/** The words at lines and bands in time: each on a ground of its own, so that no line goes through it. */

import type { Area } from "./marks"

export interface Label {
  readonly text: string
  /** Where it begins, ends, or has its middle, as `align` says; in pixels of the canvas. */
  readonly x: number
  readonly align: "left" | "right" | "center"
  /** Labels of different rows never touch. */
  readonly row: 0 | 1 | 2
  /** What is wider than this is left out, in pixels of the canvas. */
  readonly room?: number
}

/** In pixels of the page. */
const SIZE = 11
const PITCH = 15
const TOP = 5
/** How far its ground goes beyond the words on either side. */
const MARGIN = 3

type Context = Pick<CanvasRenderingContext2D, "measureText" | "fillText" | "fillRect"> &
  Pick<CanvasRenderingContext2D, "font" | "fillStyle" | "textAlign" | "textBaseline">

/** Draws them over what is there, from the first to the last. */
export function drawLabels(
  context: Context,
  labels: readonly Label[],
  { top, ratio }: Area,
  colours: { readonly ground: string; readonly words: string },
): void {
  context.font = `${SIZE * ratio}px system-ui, sans-serif`
  context.textAlign = "left"
  context.textBaseline = "middle"
  for (const { text, x, align, row, room = Number.POSITIVE_INFINITY } of labels) {
    const { width } = context.measureText(text)
    if (width > room) continue
    const left = x - (align === "left" ? 0 : align === "right" ? width : width / 2)
    const y = top + (TOP + row * PITCH) * ratio
    context.fillStyle = colours.ground
    context.fillRect(left - MARGIN * ratio, y, width + 2 * MARGIN * ratio, (PITCH - 1) * ratio)
    context.fillStyle = colours.words
    context.fillText(text, left, y + (PITCH / 2) * ratio)
  }
}
