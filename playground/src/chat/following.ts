/** Keeps the end of a growing list in sight, as long as its reader is there. */

import { useEffect, useRef } from "preact/hooks"

/** How near to the end, in pixels, a reader is at the end. */
const NEAR = 48

/** What scrolls, and what grows in it. */
export function useFollowing() {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const [outer, inner] = [scroller.current, content.current]
    if (!outer || !inner) return
    let following = true
    let lastTop = 0
    const scrolled = () => {
      const left = outer.scrollHeight - outer.scrollTop - outer.clientHeight
      // What grows is no reader who goes up: only who goes up leaves the end.
      if (left < NEAR) following = true
      else if (outer.scrollTop < lastTop) following = false
      lastTop = outer.scrollTop
    }
    const observer = new ResizeObserver(() => {
      if (following) outer.scrollTop = outer.scrollHeight
    })
    observer.observe(inner)
    observer.observe(outer)
    outer.addEventListener("scroll", scrolled, { passive: true })
    return () => {
      observer.disconnect()
      outer.removeEventListener("scroll", scrolled)
    }
  }, [])
  return { scroller, content }
}
