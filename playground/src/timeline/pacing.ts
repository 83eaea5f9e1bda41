/** Looks at a growing exchange now and then: so rarely that it takes a small share of the time, however long it is. */

import { effect, type ReadonlySignal } from "@preact/signals"
import type { Exchange } from "../api/frame"
import { type Figures, figuresOf } from "./figures"
import { Recording } from "./recording"

/** What there is to see of an exchange at one time. */
export interface Sight {
  readonly exchange: Exchange
  readonly recording: Recording
  readonly figures: Figures
}

const SHORTEST_PAUSE = 100
/** A look that takes long is followed by a pause that many times as long. */
const PAUSE_PER_COST = 40

/**
 * Calls `show` at once with what the signal holds, then about every 100 ms while its frames grow, and once when it has
 * ended; again from the start when another exchange takes its place. `show` draws within its call, so that its cost is
 * seen. The function that is returned stops it.
 */
export function follow(signal: ReadonlySignal<Exchange | undefined>, show: (sight: Sight | undefined) => void) {
  let recording = new Recording()
  let last: Exchange | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const look = () => {
    timer = undefined
    const exchange = signal.peek()
    if (exchange?.frames !== last?.frames) recording = new Recording()
    last = exchange
    const began = performance.now()
    show(exchange && see(exchange, recording))
    if (exchange && isOpen(exchange)) {
      const pause = Math.max(SHORTEST_PAUSE, PAUSE_PER_COST * (performance.now() - began))
      timer = setTimeout(look, pause)
    }
  }
  const dispose = effect(() => {
    const exchange = signal.value
    if (timer !== undefined && exchange && isOpen(exchange) && exchange.frames === last?.frames) return
    clearTimeout(timer)
    look()
  })
  return () => {
    clearTimeout(timer)
    dispose()
  }
}

function see(exchange: Exchange, recording: Recording): Sight {
  recording.take(exchange.frames)
  return { exchange, recording, figures: figuresOf(recording, exchange.headAt, exchange.endAt) }
}

function isOpen(exchange: Exchange): boolean {
  return exchange.outcome === "waiting" || exchange.outcome === "streaming"
}
