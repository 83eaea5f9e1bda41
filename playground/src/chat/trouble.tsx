/** Why an answer is not whole, in the server's words, with a way to ask again. */

import type { Answered } from "../conversation/items"

export function Trouble({ answer, retry }: { answer: Answered; retry(): void }) {
  const problem = answer.problem.value
  if (!problem) return null
  const marks = [problem.status, problem.code, problem.param].filter((mark) => mark !== undefined)
  return (
    <div class="trouble" role="alert">
      <p class="reason">{problem.message}</p>
      {marks.length > 0 && <p class="marks">{marks.join(" · ")}</p>}
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}
