/** The chart as one thing for the keyboard: a list of all frames, of which a screen reader meets the chosen one. */

import type { ReadonlySignal } from "@preact/signals"
import { useEffect, useId, useRef } from "preact/hooks"
import { Chart, type Listeners, type Picture } from "./chart"
import { stepped } from "./picking"
import { titleOf } from "./viewer"

interface Props {
  readonly picture: ReadonlySignal<Picture | undefined>
  readonly listeners: Listeners
  /** Called with the chart once it is there, and with undefined when it goes. */
  readonly ready: (chart: Chart | undefined) => void
}

export function MarksList({ picture, listeners, ready }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const id = useId()
  useEffect(() => {
    if (!place.current || !canDraw()) return
    const chart = new Chart(place.current, listeners)
    ready(chart)
    return () => {
      ready(undefined)
      chart.destroy()
    }
  }, [listeners, ready])
  const { sight, chosen } = picture.value ?? {}
  const title = sight && chosen !== undefined ? titleOf(sight, chosen) : ""
  return (
    <div
      class="timeline-list"
      role="listbox"
      tabIndex={0}
      aria-label="Frames in time. Arrow keys choose one, plus and minus zoom, shift with arrows moves, 0 shows all."
      aria-activedescendant={title ? id : undefined}
      onKeyDown={(event) => pressed(event, picture.peek(), listeners)}
    >
      <div class="timeline-chart" ref={place} aria-hidden="true" />
      <div
        class="unseen"
        role="option"
        id={id}
        aria-selected={title !== ""}
        aria-setsize={sight?.recording.length || 1}
        aria-posinset={(chosen ?? 0) + 1}
        tabIndex={-1}
      >
        {title || "No frame is chosen"}
      </div>
    </div>
  )
}

/** What a key does to the chart; other keys are left to the page. */
export function pressed(event: KeyboardEvent, picture: Picture | undefined, listeners: Listeners): void {
  if (!picture || event.ctrlKey || event.metaKey || event.altKey) return
  const { sight, chosen } = picture
  const step = event.shiftKey ? undefined : stepped(sight.recording, chosen, event.key)
  if (step !== undefined) listeners.choose(step)
  else if (event.shiftKey && event.key === "ArrowLeft") listeners.pan(-0.2)
  else if (event.shiftKey && event.key === "ArrowRight") listeners.pan(0.2)
  else if (event.key === "+" || event.key === "=") listeners.zoom(0.5, 0.5)
  else if (event.key === "-") listeners.zoom(2, 0.5)
  else if (event.key === "0") listeners.reset()
  else if (event.key === "Escape" && chosen !== undefined) listeners.choose(undefined)
  else return
  event.preventDefault()
  event.stopPropagation()
}

function canDraw(): boolean {
  return document.createElement("canvas").getContext("2d") !== null
}
