/** Where the time of one exchange went: each frame a mark in time, the totals, and the frame that was chosen. */

import { type ReadonlySignal, signal } from "@preact/signals"
import { useEffect, useMemo } from "preact/hooks"
import type { Exchange } from "../api/frame"
import type { Chart, Listeners, Picture } from "./chart"
import { Legend } from "./legend"
import { MarksList } from "./marks_list"
import { duration } from "./numbers"
import { follow, type Sight } from "./pacing"
import { nextStall } from "./picking"
import "./timeline.css"
import { Totals } from "./totals"
import { between, isWhole, panned, showing, type View, whole, zoomed } from "./view"
import { Viewer } from "./viewer"

interface Props {
  /** The exchange to show. Its frames are looked at about ten times a second as long as it is open. */
  readonly exchange: ReadonlySignal<Exchange | undefined>
  /** Whether there is an answer without an exchange: one of a page that is closed. */
  readonly gone?: boolean
}

export function Timeline({ exchange, gone = false }: Props) {
  const state = useMemo(() => new State(), [])
  useEffect(() => follow(exchange, (sight) => state.see(sight)), [exchange, state])
  const picture = state.picture.value
  if (!picture)
    return <p class="timeline-empty">{gone ? GONE : "Each frame of the answer will be a mark in time here."}</p>
  const { sight, chosen } = picture
  return (
    <div class="timeline-body">
      <Totals figures={sight.figures} />
      <MarksList picture={state.picture} listeners={state} ready={state.ready} />
      <div class="timeline-below">
        <Legend counts={sight.recording.counts} />
        <Controls state={state} picture={picture} />
      </div>
      {chosen !== undefined && (
        <Viewer sight={sight} place={chosen} choose={state.choose} close={() => state.choose(undefined)} />
      )}
    </div>
  )
}

const GONE = "Timelines are kept as long as the page is open. That of the next answer will be here."

function Controls({ state, picture }: { state: State; picture: Picture }) {
  const { stalls } = picture.sight.figures
  const longest = stalls.reduce((most, { from, to }) => Math.max(most, to - from), 0)
  return (
    <div class="timeline-buttons">
      {stalls.length > 0 && (
        <button
          type="button"
          class="timeline-stalls"
          title="Goes to the next gap of 100 ms or more that is five times as long as the median one"
          onClick={() => state.choose(nextStall(stalls, picture.chosen))}
        >
          {stalls.length === 1 ? "1 stall" : `${stalls.length} stalls`}, {duration(longest)}
        </button>
      )}
      <button type="button" aria-label="Zoom in" onClick={() => state.zoom(0.5, 0.5)}>
        +
      </button>
      <button type="button" aria-label="Zoom out" disabled={state.all} onClick={() => state.zoom(2, 0.5)}>
        −
      </button>
      <button type="button" aria-label="Earlier" disabled={state.all} onClick={() => state.pan(-0.4)}>
        ‹
      </button>
      <button type="button" aria-label="Later" disabled={state.all} onClick={() => state.pan(0.4)}>
        ›
      </button>
      <button type="button" disabled={state.all} onClick={() => state.reset()}>
        Show all
      </button>
    </div>
  )
}

/** What is shown of one exchange after another: the part of time, and the frame that was chosen. */
class State implements Listeners {
  readonly picture = signal<Picture | undefined>(undefined)
  #chart: Chart | undefined
  /** Undefined shows all, also what is still to come. */
  #view: View | undefined

  see(sight: Sight | undefined): void {
    const last = this.picture.peek()
    const same = sight !== undefined && sight.recording === last?.sight.recording
    if (!same) this.#view = undefined
    this.#show(sight, same ? last.chosen : undefined)
  }

  readonly ready = (chart: Chart | undefined): void => {
    this.#chart = chart
    chart?.draw(this.picture.peek())
  }

  readonly choose = (chosen: number | undefined): void => {
    const picture = this.picture.peek()
    const at = chosen === undefined ? undefined : picture?.sight.recording.at[chosen]
    if (picture && at !== undefined && this.#view) this.#view = showing(this.#view, at, this.#whole(picture.sight))
    this.#show(picture?.sight, chosen)
  }

  zoom(factor: number, about: number): void {
    this.#move((view, all) => zoomed(view, factor, about, all))
  }

  pan(by: number): void {
    this.#move((view, all) => panned(view, by, all))
  }

  select(from: number, to: number): void {
    this.#move((_, all) => between(from, to, all))
  }

  reset(): void {
    this.#move((_, all) => all)
  }

  get all(): boolean {
    return this.#view === undefined
  }

  #move(change: (view: View, all: View) => View): void {
    const picture = this.picture.peek()
    if (!picture) return
    const all = this.#whole(picture.sight)
    const view = change(picture.view, all)
    this.#view = isWhole(view, all) ? undefined : view
    this.#show(picture.sight, picture.chosen)
  }

  #show(sight: Sight | undefined, chosen: number | undefined): void {
    const picture = sight && { sight, view: this.#view ?? this.#whole(sight), chosen }
    this.picture.value = picture
    this.#chart?.draw(picture)
  }

  #whole({ figures }: Sight): View {
    return whole(figures.duration)
  }
}
