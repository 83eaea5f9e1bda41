/** What the marks mean: shape, colour, name and number of each kind that has come. */

import type { FrameKind } from "../api/frame"
import { KINDS, NAMES, SHAPES } from "./kinds"
import { count } from "./numbers"

export function Legend({ counts }: { counts: Uint32Array }) {
  const seen = KINDS.map((kind, place) => ({ kind, number: counts[place] ?? 0 })).filter(({ number }) => number > 0)
  return (
    <ul class="timeline-legend" aria-label="Kinds of frames">
      {seen.map(({ kind, number }) => (
        <li key={kind}>
          <Mark kind={kind} />
          {NAMES[kind]} {count(number)}
        </li>
      ))}
    </ul>
  )
}

/** The mark of a kind, as the chart draws it. */
export function Mark({ kind }: { kind: FrameKind }) {
  const points = SHAPES[kind].map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ")
  return (
    <svg class={`timeline-mark mark-${kind}`} viewBox="-1.3 -1.3 2.6 2.6" width="11" height="11" aria-hidden="true">
      <polygon points={points} fill="currentColor" />
    </svg>
  )
}
