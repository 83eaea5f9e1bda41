/** Fingers, wheels and a held shift key on the chart: what they mean for the part of time that is shown. */

export interface Moves {
  /** `factor` times as much time, about this share (0..1) of the width. */
  zoom(factor: number, about: number): void
  /** Later by this share of the width. */
  pan(by: number): void
}

/** Listens on the element until the function that is returned is called. A plain wheel scrolls the page as ever. */
export function listen(element: HTMLElement, moves: Moves): () => void {
  const listening = new AbortController()
  const options = { signal: listening.signal }
  element.addEventListener("wheel", (event) => turn(element, event, moves), { ...options, passive: false })
  const fingers = new Fingers(element, moves)
  element.addEventListener("pointerdown", (event) => fingers.down(event), options)
  element.addEventListener("pointermove", (event) => fingers.move(event), options)
  for (const end of ["pointerup", "pointercancel"] as const) {
    element.addEventListener(end, (event) => fingers.up(event), options)
  }
  return () => listening.abort()
}

/** A pinch on a touch pad comes as a wheel with the control key held. */
function turn(element: HTMLElement, event: WheelEvent, moves: Moves): void {
  const { left, width } = element.getBoundingClientRect()
  if (event.ctrlKey || event.metaKey) moves.zoom(Math.exp(event.deltaY * 0.005), (event.clientX - left) / width)
  else if (event.shiftKey) moves.pan((event.deltaX || event.deltaY) / width)
  else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) moves.pan(event.deltaX / width)
  else return
  event.preventDefault()
}

/** One finger, or the mouse with shift, pans; two fingers pinch. A mouse alone is left to the chart's own selection. */
class Fingers {
  readonly #places = new Map<number, number>()

  constructor(
    readonly element: HTMLElement,
    readonly moves: Moves,
  ) {}

  down(event: PointerEvent): void {
    if (event.pointerType === "mouse" && !event.shiftKey) return
    if (event.pointerType === "mouse") this.element.setPointerCapture(event.pointerId)
    this.#places.set(event.pointerId, event.clientX)
  }

  move(event: PointerEvent): void {
    const before = [...this.#places.values()]
    if (!this.#places.has(event.pointerId)) return
    this.#places.set(event.pointerId, event.clientX)
    const now = [...this.#places.values()]
    const { left, width } = this.element.getBoundingClientRect()
    const moved = middle(now) - middle(before)
    if (now.length > 1 && spread(now) > 0) {
      this.moves.zoom(Math.max(1, spread(before)) / Math.max(1, spread(now)), (middle(now) - left) / width)
    }
    if (moved !== 0) this.moves.pan(-moved / width)
  }

  up(event: PointerEvent): void {
    this.#places.delete(event.pointerId)
  }
}

function middle(places: readonly number[]): number {
  return (Math.min(...places) + Math.max(...places)) / 2
}

function spread(places: readonly number[]): number {
  return Math.max(...places) - Math.min(...places)
}
