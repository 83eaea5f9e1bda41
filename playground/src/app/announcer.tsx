/** Tells those who hear the page that an answer begins and how it ends, rather than each token. */

import type { State } from "./state"

const WORDS = {
  whole: "The answer is complete.",
  stopped: "The answer was stopped.",
  failed: "The answer failed.",
} as const

export function Announcer({ state }: { state: State }) {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {state.conversation.panes.value.map((pane) => {
        const answer = pane.latest.value
        if (!answer) return null
        const phase = answer.phase.value
        const words = phase in WORDS ? WORDS[phase as keyof typeof WORDS] : "The answer begins."
        return <p key={pane.name}>{phase === "waiting" ? "" : `${answer.model}: ${words}`}</p>
      })}
    </div>
  )
}
