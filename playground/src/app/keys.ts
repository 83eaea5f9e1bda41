/** What the keyboard does anywhere on the page. */

import type { State } from "./state"

/** Obeys keys until the result is called. */
export function obeyKeys(state: State): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing) return // it is the input method's
    if (event.key === "Escape") stopOrClose(state, event)
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !writes(event.target)) {
      event.preventDefault()
      document.getElementById("composer")?.focus()
    }
  }
  document.addEventListener("keydown", pressed)
  return () => document.removeEventListener("keydown", pressed)
}

/** Stops what is being said; where nothing is, it closes the settings. */
function stopOrClose(state: State, event: KeyboardEvent): void {
  if (state.conversation.busy.value) {
    event.preventDefault()
    state.conversation.stop()
  } else state.settingsShown.value = false
}

function writes(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable]")
}
