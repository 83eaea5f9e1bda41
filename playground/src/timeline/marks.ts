/** Draws the frames that are in view: a mark for each while there is room, and the cells that they fill where not. */

import type { FrameKind } from "../api/frame"
import { isToken, KINDS, type Point, SHAPES } from "./kinds"
import { placeOf, type Recording } from "./recording"
import type { View } from "./view"

/** Where to draw, in pixels of the canvas; `ratio` is how many of them a pixel of the page has. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly ratio: number
}

/** What is drawn: this part of the time, and this many rows of marks upon each other. */
export interface Plot {
  readonly view: View
  readonly rows: number
}

/** More marks than these would only hide each other. */
const MOST_MARKS = 2000
/** Fewer rows than these would make marks that look as if they filled something. */
const FEWEST_ROWS = 6
/** The smallest mark that can be told apart, in pixels of the page. */
const CELL = 3

/** The places of the frames in view: from the first up to, and without, the last. */
export function inView(recording: Recording, view: View): [first: number, last: number] {
  const { at, length } = recording
  return [placeOf(at, length, view.from), placeOf(at, length, view.to)]
}

/** How many rows the tallest read in view needs. */
export function rowsOf(recording: Recording, view: View): number {
  const [first, last] = inView(recording, view)
  let tallest = 0
  for (let place = first; place < last; place += 1) tallest = Math.max(tallest, recording.row[place] as number)
  return Math.max(FEWEST_ROWS, tallest + 1)
}

/** Where the middle of a frame's mark is, in pixels of the canvas. */
export function middleOf(recording: Recording, place: number, plot: Plot, area: Area): Point {
  const { view, rows } = plot
  const x = area.left + (((recording.at[place] as number) - view.from) / (view.to - view.from)) * area.width
  const y = area.top + area.height - (((recording.row[place] as number) + 0.5) / rows) * area.height
  return [x, y]
}

/** Half a mark's size, in pixels of the canvas. */
export function radius(plot: Plot, area: Area): number {
  return Math.min(4.5 * area.ratio, Math.max((CELL / 2) * area.ratio, (area.height / plot.rows) * 0.42))
}

/** Draws all frames in view; takes time in proportion to their number, but paints a bounded number of marks. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  recording: Recording,
  plot: Plot,
  area: Area,
  colours: readonly string[],
): void {
  const [first, last] = inView(recording, plot.view)
  const crowded = last - first > MOST_MARKS || area.height / plot.rows < CELL * area.ratio
  const paths = crowded ? cells(recording, first, last, plot, area) : outlines(recording, first, last, plot, area)
  for (const [kind, path] of paths.entries()) {
    context.fillStyle = colours[kind] ?? "gray"
    context.fill(path)
  }
}

function outlines(recording: Recording, first: number, last: number, plot: Plot, area: Area): Path2D[] {
  const paths = KINDS.map(() => new Path2D())
  const size = radius(plot, area)
  const narrow = narrowed(recording, first, last, size, area)
  for (let place = first; place < last; place += 1) {
    const kind = recording.kind[place] as number
    const name = KINDS[kind] as FrameKind
    const middle = middleOf(recording, place, plot, area)
    trace(paths[kind] as Path2D, SHAPES[name], middle, isToken(name) ? narrow : size, size)
  }
  return paths
}

/** Marks of tokens get narrow where they are many, so that the gaps between them are seen; other kinds are few. */
function narrowed(recording: Recording, first: number, last: number, size: number, area: Area): number {
  let reads = 0
  for (let place = first; place < last; place += 1) reads += recording.row[place] === 0 ? 1 : 0
  return Math.min(size, Math.max(area.ratio, (area.width / reads) * 0.35))
}

function trace(path: Path2D, shape: readonly Point[], [x, y]: Point, wide: number, high: number): void {
  for (const [corner, [right, down]] of shape.entries()) {
    if (corner === 0) path.moveTo(x + right * wide, y + down * high)
    else path.lineTo(x + right * wide, y + down * high)
  }
  path.closePath()
}

/** Where many frames share a cell, the kind that is last in KINDS is seen: a failure among a thousand texts is. */
function cells(recording: Recording, first: number, last: number, plot: Plot, area: Area): Path2D[] {
  const cell = CELL * area.ratio
  const columns = Math.max(1, Math.ceil(area.width / cell))
  const rows = Math.max(1, Math.min(plot.rows, Math.floor(area.height / cell)))
  const filled = new Uint8Array(columns * rows)
  const { from, to } = plot.view
  const perMs = columns / (to - from)
  const perRow = rows / plot.rows
  for (let place = first; place < last; place += 1) {
    const column = Math.min(columns - 1, Math.floor(((recording.at[place] as number) - from) * perMs))
    const spot = column * rows + Math.floor((recording.row[place] as number) * perRow)
    filled[spot] = Math.max(filled[spot] as number, (recording.kind[place] as number) + 1)
  }
  return stacks(filled, columns, rows, area)
}

/** One rectangle for each run of equal cells in a column. */
function stacks(filled: Uint8Array, columns: number, rows: number, area: Area): Path2D[] {
  const paths = KINDS.map(() => new Path2D())
  const width = area.width / columns
  const height = area.height / rows
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; ) {
      const kind = filled[column * rows + row] as number
      let end = row + 1
      while (end < rows && filled[column * rows + end] === kind) end += 1
      const top = area.top + area.height - end * height
      if (kind > 0) paths[kind - 1]?.rect(area.left + column * width, top, width * 0.8, (end - row) * height)
      row = end
    }
  }
  return paths
}
