/** Waits for the page to have drawn what it was told. */

/** A page that nobody sees draws nothing. */
const PATIENCE = 100

/** Resolves when the frame that comes next is on the screen's way; soon, where none comes. */
export function drawn(): Promise<void> {
  if (typeof requestAnimationFrame === "undefined") return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE)
    requestAnimationFrame(() => {
      clearTimeout(timer)
      setTimeout(resolve) // behind the layout and the painting of this very frame
    })
  })
}
