/** What is said above the chat: that the programs cannot be asked, and what `mserve dev` has seen of an edit. */

import { useEffect } from "preact/hooks"
import type { Edit } from "../api/development"
import type { State } from "./state"

/** How long it stays on the page that a new version is served, in ms. */
const SHORTLY = 4000

export function Notices({ state }: { state: State }) {
  const problem = state.problem.value
  const edit = state.edit.value
  useEffect(() => {
    if (edit?.is !== "serving") return
    const timer = setTimeout(() => {
      state.edit.value = undefined
    }, SHORTLY)
    return () => clearTimeout(timer)
  }, [edit, state])
  return (
    <div class="notices">
      {problem && (
        <div class="notice bad" role="alert">
          <p>{problem.message}</p>
          <button type="button" onClick={() => void state.findPrograms()}>
            Try again
          </button>
        </div>
      )}
      {/* A failed edit is read out, and so is what came of it. */}
      <div role="status">{edit && <EditNotice edit={edit} />}</div>
    </div>
  )
}

function EditNotice({ edit }: { edit: Edit }) {
  if (edit.is === "failed") {
    return (
      <div class="notice bad">
        <p>The edited program does not load; what was served before still answers.</p>
        <pre>{edit.reason}</pre>
      </div>
    )
  }
  if (edit.is === "edited") return <p class="notice">Edited: {edit.files.join(", ")}. Loading…</p>
  return <p class="notice good">The edited program is served now.</p>
}
