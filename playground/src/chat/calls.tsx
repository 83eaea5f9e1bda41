/** The calls that a program makes, their arguments as they grow, and a form to answer all of them. */

import type { TargetedKeyboardEvent, TargetedSubmitEvent } from "preact"
import type { Answered, Results } from "../conversation/items"
import { freshId } from "../conversation/pane"
import { GrowingCode } from "./growing"

/** How many calls are shown: each is drawn by itself, and a program may make any number. */
const MOST = 100

interface Props {
  readonly answer: Answered
  /** What they were answered. */
  readonly results: Results | undefined
  /** Where they can still be answered: takes the answers. */
  readonly send: ((results: Results) => void) | undefined
  /** Why nothing can be asked now. */
  readonly hindrance: string | undefined
}

export function Calls({ answer, results, send, hindrance }: Props) {
  const count = answer.calls.value
  const asking = send !== undefined && results === undefined && answer.phase.value === "whole"
  if (count === 0) return null
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (hindrance) return
    const data = new FormData(event.currentTarget)
    send?.({ is: "results", id: freshId(), of: answersIn(data, answer) })
  }
  return (
    <form class="calls" onSubmit={submit}>
      {answer.fold.reply.calls.slice(0, MOST).map((call, place) => (
        <section class="call" key={place} aria-label={`Call of ${call.name}`}>
          <h3>
            <span class="badge">call</span> <code>{call.name}</code>
          </h3>
          <GrowingCode pieces={call.arguments} phase={answer.phase} />
          {asking && (
            <label class="result">
              Result of {call.name}
              <textarea name={String(place)} rows={2} class="mono" onKeyDown={sendByKey} />
            </label>
          )}
          <Result text={results?.of[place]} />
        </section>
      ))}
      {count > MOST && <p class="note">{count - MOST} more calls are not shown; they are answered by nothing.</p>}
      {asking && (
        <button type="submit" class="primary" disabled={hindrance !== undefined} title={hindrance}>
          {count === 1 ? "Send the result" : "Send the results"}
        </button>
      )}
    </form>
  )
}

function Result({ text }: { text: string | undefined }) {
  if (text === undefined) return null
  return (
    <div class="result">
      Result
      <pre>{text || "(empty)"}</pre>
    </div>
  )
}

function answersIn(data: FormData, { fold }: Answered): Record<number, string> {
  return Object.fromEntries(fold.reply.calls.map((_call, place) => [place, String(data.get(String(place)) ?? "")]))
}

/** Enter sends where nothing else is to be written; with Shift it begins a line. */
function sendByKey(event: TargetedKeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
  event.preventDefault()
  const fields = [...(event.currentTarget.form?.querySelectorAll("textarea") ?? [])]
  const next = fields[fields.indexOf(event.currentTarget) + 1]
  if (next) next.focus()
  else event.currentTarget.form?.requestSubmit()
}
