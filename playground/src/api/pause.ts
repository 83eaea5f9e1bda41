/** Waits for a while, or until it is told not to. */

/** Resolves after that time, or as soon as `signal` ends it; it leaves nothing at the signal. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, signal.aborted ? 0 : milliseconds)
    signal.addEventListener("abort", end)
  })
}
