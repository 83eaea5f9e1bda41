/** What a program thought: open while it thinks, folded once it speaks, and as the reader wants it from then on. */

import { useComputed } from "@preact/signals"
import { useState } from "preact/hooks"
import type { Answered } from "../conversation/items"
import { GrowingMarkdown } from "./growing"

export function Reasoning({ answer }: { answer: Answered }) {
  const { reasoning } = answer.fold.reply
  const thinking = useComputed(() => answer.phase.value === "thinking").value
  const [wanted, setWanted] = useState<boolean>()
  if (!thinking && reasoning.length === 0) return null
  const open = wanted ?? thinking
  return (
    <div class={`reasoning ${thinking ? "live" : ""}`}>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setWanted(!open)}>
        {thinking ? "Thinking…" : "Thoughts"}
      </button>
      <div class="thoughts" hidden={!open}>
        <GrowingMarkdown pieces={reasoning} phase={answer.phase} />
      </div>
    </div>
  )
}
