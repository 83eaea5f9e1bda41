/** Why an answer is not whole, in the server's words, with a way to ask again. */

import type { Answered } from "../conversation/items"

interface Props {
  readonly answer: Answered
  /** Why nothing can be asked now. */
  readonly hindrance: string | undefined
  retry(): void
}

export function Trouble({ answer, hindrance, retry }: Props) {
  const problem = answer.problem.value
  if (!problem) return null
  const marks = [problem.status, problem.code, problem.param].filter((mark) => mark !== undefined)
  return (
    <div class="trouble" role="alert">
      <p class="reason">{problem.message}</p>
      {marks.length > 0 && <p class="marks">{marks.join(" · ")}</p>}
      <button type="button" onClick={retry} disabled={hindrance !== undefined} title={hindrance}>
        Try again
      </button>
    </div>
  )
}
