/** Keeps what is being said against the end of the page, which may come at any time and is not always told. */

import type { Conversation } from "./conversation"

/** How often it is kept, in ms. */
const OFTEN = 5000

/** Keeps it until the result is called. */
export function keepAgainstLeaving(conversation: Conversation): () => void {
  const timer = setInterval(() => conversation.keepOpen(), OFTEN)
  const left = () => {
    conversation.keepOpen()
    conversation.stop() // its connection ends with the page: that is no failure of the answer
  }
  const hidden = () => {
    if (document.visibilityState === "hidden") conversation.keepOpen()
  }
  window.addEventListener("pagehide", left)
  document.addEventListener("visibilitychange", hidden)
  return () => {
    clearInterval(timer)
    window.removeEventListener("pagehide", left)
    document.removeEventListener("visibilitychange", hidden)
  }
}
