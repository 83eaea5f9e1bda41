/** What each kind of frame is called and looks like: never by colour alone. */

import type { FrameKind } from "../api/frame"

/** In the order of the legend. A mark's number is its place here; where marks share a place, the later kind is seen. */
export const KINDS: readonly FrameKind[] = [
  "text",
  "reasoning",
  "call",
  "start",
  "comment",
  "other",
  "usage",
  "finish",
  "done",
  "error",
]

/** In words, for people. */
export const NAMES: Readonly<Record<FrameKind, string>> = {
  text: "text",
  reasoning: "reasoning",
  call: "tool call",
  start: "start",
  comment: "comment",
  other: "other",
  usage: "usage",
  finish: "finish",
  done: "done",
  error: "error",
}

/** Whether it brings something of the reply itself: these frames make the time to first token, and the gaps. */
export function isToken(kind: FrameKind): boolean {
  return kind === "text" || kind === "reasoning" || kind === "call"
}

export type Point = readonly [x: number, y: number]

/** Each kind's outline, within -1..1 both ways, y downwards. */
export const SHAPES: Readonly<Record<FrameKind, readonly Point[]>> = {
  text: circle(12),
  reasoning: [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  call: [
    [0, -1.15],
    [1.15, 0],
    [0, 1.15],
    [-1.15, 0],
  ],
  start: [
    [-0.8, -1],
    [1, 0],
    [-0.8, 1],
  ],
  comment: [
    [-1, -0.3],
    [1, -0.3],
    [1, 0.3],
    [-1, 0.3],
  ],
  other: circle(5),
  usage: cross(0),
  finish: [
    [-1, -0.8],
    [1, -0.8],
    [0, 1],
  ],
  done: [
    [-0.35, -1.1],
    [0.35, -1.1],
    [0.35, 1.1],
    [-0.35, 1.1],
  ],
  error: cross(Math.PI / 4),
}

function circle(corners: number): Point[] {
  return Array.from({ length: corners }, (_, corner) => turned([0, -1], (corner * 2 * Math.PI) / corners))
}

function cross(angle: number): Point[] {
  const quarter: Point[] = [
    [-0.36, -1.1],
    [0.36, -1.1],
    [0.36, -0.36],
  ]
  return [0, 1, 2, 3].flatMap((turn) => quarter.map((point) => turned(point, (turn * Math.PI) / 2 + angle)))
}

function turned([x, y]: Point, angle: number): Point {
  return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)]
}
