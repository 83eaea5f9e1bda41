/** Which frame a click means, and which ones the keys go to: pure. */

import { type Area, inView, middleOf, type Plot } from "./marks"
import type { Recording } from "./recording"

/** The frame whose mark is the nearest one to a point of the canvas, within `reach` pixels to either side. */
export function nearest(
  recording: Recording,
  plot: Plot,
  area: Area,
  [x, y]: readonly [number, number],
  reach: number,
): number | undefined {
  const { from, to } = plot.view
  const perPixel = (to - from) / area.width
  const time = from + (x - area.left) * perPixel
  const [first, last] = inView(recording, { from: time - reach * perPixel, to: time + reach * perPixel })
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (let place = first; place < last; place += 1) {
    const [right, down] = middleOf(recording, place, plot, area)
    const distance = (right - x) ** 2 + (down - y) ** 2
    if (distance < least) [best, least] = [place, distance]
  }
  return best
}

/** Where a key leads from the chosen frame; undefined where it is no such key, or there is nothing to choose. */
export function stepped(recording: Recording, chosen: number | undefined, key: string): number | undefined {
  const last = recording.length - 1
  if (last < 0) return undefined
  if (key === "Home") return 0
  if (key === "End") return last
  const forward = key === "ArrowRight" || key === "ArrowUp" || key === "PageDown"
  if (!forward && key !== "ArrowLeft" && key !== "ArrowDown" && key !== "PageUp") return undefined
  if (chosen === undefined) return forward ? 0 : last
  if (key === "PageDown") return Math.min(last, nextRead(recording, chosen))
  if (key === "PageUp") return lastRead(recording, chosen)
  return Math.min(last, Math.max(0, chosen + (forward ? 1 : -1)))
}

/** The frame that ended the next stall behind the chosen one; behind the last, the first. */
export function nextStall(
  stalls: readonly { readonly frame: number }[],
  chosen: number | undefined,
): number | undefined {
  return (stalls.find((stall) => stall.frame > (chosen ?? -1)) ?? stalls[0])?.frame
}

/** How many frames the read brought that brought this one, this one's place among them (from 1). */
export function inRead(recording: Recording, place: number): [nth: number, of: number] {
  const row = recording.row[place] as number
  return [row + 1, nextRead(recording, place) - (place - row)]
}

function nextRead({ row, length }: Recording, place: number): number {
  let next = place + 1
  while (next < length && row[next] !== 0) next += 1
  return next
}

/** The first frame of this read; from there, the first one of the read before. */
function lastRead({ row }: Recording, place: number): number {
  const own = place - (row[place] as number)
  if (own !== place) return own
  return place === 0 ? 0 : place - 1 - (row[place - 1] as number)
}
