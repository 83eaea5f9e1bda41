/** The figures of an exchange, each with a word of what it means. */

import type { Figures } from "./figures"
import { count, duration, rate, size } from "./numbers"

interface Total {
  readonly name: string
  readonly value: string
  readonly meaning: string
  /** What it is counted by, where that may differ. */
  readonly by?: string
}

const NONE = "–"

/** The totals in the order in which they are read. */
export function totalsOf(figures: Figures): Total[] {
  const from = figures.counted === "usage" ? "as the usage says" : "counted by frames"
  const ms = (time: number | undefined) => (time === undefined ? NONE : duration(time))
  return [
    {
      name: "First token",
      value: ms(figures.firstToken),
      meaning: "From the request to the first frame of text, reasoning or a call",
    },
    {
      name: "Tokens/s",
      by: figures.counted,
      value: figures.rate === undefined ? NONE : rate(figures.rate),
      meaning: `From the first token to the last; ${count(figures.tokens)} tokens, ${from}`,
    },
    {
      name: "Gap p50",
      value: ms(figures.p50),
      meaning: "Half of the gaps between token frames are no longer than this",
    },
    { name: "Gap p99", value: ms(figures.p99), meaning: "99 of 100 gaps between token frames are no longer than this" },
    { name: "Frames", value: count(figures.frames), meaning: "All events of the stream" },
    {
      name: "Reads",
      value: count(figures.reads),
      meaning: "How often something came: frames of one read were written together",
    },
    { name: "Size", value: size(figures.bytes), meaning: "All frames as they came, uncompressed" },
    { name: "Duration", value: ms(figures.duration), meaning: "From the request to the end of the answer" },
  ]
}

export function Totals({ figures }: { figures: Figures }) {
  return (
    <dl class="timeline-totals">
      {totalsOf(figures).map(({ name, by, value, meaning }) => (
        <div key={name} title={meaning}>
          <dt>
            {name}
            {by && <small> ({by})</small>}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
