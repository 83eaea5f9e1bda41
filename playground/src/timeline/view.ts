/** Which part of an exchange's time is shown, and how zooming and panning change that: pure. */

/** In ms after the request. */
export interface View {
  readonly from: number
  readonly to: number
}

/** No closer than this many ms: a browser's clock is hardly finer. */
const CLOSEST = 1

/** The whole time, with a little space behind the last mark. */
export function whole(end: number | undefined): View {
  return { from: 0, to: Math.max(10, (end ?? 0) * 1.03) }
}

/** `factor` times as much time as before (less than 1 is closer), about the point at this share (0..1) of the width. */
export function zoomed(view: View, factor: number, about: number, all: View): View {
  const span = view.to - view.from
  const wanted = Math.min(all.to - all.from, Math.max(CLOSEST, span * factor))
  return within(view.from + (span - wanted) * about, wanted, all)
}

/** Moved later by this share of its width; earlier where it is negative. */
export function panned(view: View, by: number, all: View): View {
  const span = view.to - view.from
  return within(view.from + span * by, span, all)
}

/** Between two times, whichever is first. */
export function between(one: number, other: number, all: View): View {
  const span = Math.min(all.to - all.from, Math.max(CLOSEST, Math.abs(one - other)))
  return within(Math.min(one, other), span, all)
}

/** Moved no further than it takes to show this time, away from the very edge. */
export function showing(view: View, at: number, all: View): View {
  const margin = (view.to - view.from) * 0.05
  if (at < view.from + margin) return within(at - margin, view.to - view.from, all)
  if (at > view.to - margin) return within(at + margin - (view.to - view.from), view.to - view.from, all)
  return view
}

/** Whether it shows all there is. */
export function isWhole(view: View, all: View): boolean {
  return view.to - view.from >= all.to - all.from
}

function within(from: number, span: number, all: View): View {
  const start = Math.min(Math.max(all.from, from), Math.max(all.from, all.to - span))
  return { from: start, to: start + span }
}
