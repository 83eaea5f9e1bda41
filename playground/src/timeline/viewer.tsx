/** One frame as it came: where it stands, its JSON laid out, and its very text. Whatever it holds is shown as text. */

import { excerpt } from "../api/excerpt"
import { NAMES } from "./kinds"
import { Mark } from "./legend"
import { count, duration, size } from "./numbers"
import type { Sight } from "./pacing"
import { inRead } from "./picking"
import { pretty } from "./pretty"

/** Its place, kind and time in one line: also what a screen reader says of the chosen mark. */
export function titleOf({ exchange }: Sight, place: number): string {
  const frame = exchange.frames[place]
  if (!frame) return ""
  return `Frame ${count(place + 1)} of ${count(exchange.frames.length)}, ${NAMES[frame.kind]}, at ${duration(frame.at)}`
}

/** How it came: after what pause, in which read, how large. */
export function circumstances({ exchange, recording }: Sight, place: number): string {
  const frame = exchange.frames[place]
  if (!frame) return ""
  const before = exchange.frames[place - 1]
  const gap = before ? `${duration(frame.at - before.at)} after the one before` : "the first one"
  const [nth, of] = inRead(recording, place)
  const together = of > 1 ? `${nth} of ${of} in one read` : "alone in its read"
  return `${gap}; ${together}; ${size(frame.size)}`
}

const GONE = "Its text is not kept any more: of a long answer the first and the last frames are, 4 MB of each."

interface Props {
  readonly sight: Sight
  readonly place: number
  readonly choose: (place: number) => void
  readonly close: () => void
}

export function Viewer({ sight, place, choose, close }: Props) {
  const frame = sight.exchange.frames[place]
  if (!frame) return null
  const json = pretty(frame.raw)
  return (
    <section class="timeline-viewer" aria-label="The chosen frame">
      <header>
        <p class="timeline-title">
          <Mark kind={frame.kind} /> {titleOf(sight, place)}
        </p>
        <div class="timeline-buttons">
          <button type="button" aria-label="Frame before" disabled={place === 0} onClick={() => choose(place - 1)}>
            ‹
          </button>
          <button
            type="button"
            aria-label="Next frame"
            disabled={place + 1 >= sight.exchange.frames.length}
            onClick={() => choose(place + 1)}
          >
            ›
          </button>
          <button type="button" aria-label="Close the frame" onClick={close}>
            ✕
          </button>
        </div>
      </header>
      <p class="timeline-note">{circumstances(sight, place)}</p>
      <div class="timeline-texts">
        {json !== undefined && <Text name="JSON" text={json} />}
        {frame.raw === "" ? <p class="timeline-note">{GONE}</p> : <Text name="As it came" text={frame.raw} />}
      </div>
    </section>
  )
}

function Text({ name, text }: { name: string; text: string }) {
  return (
    <figure>
      <figcaption>{name}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>{excerpt(text)}</pre>
    </figure>
  )
}
