/** An answer: who gives it, its thoughts, text and calls, what went wrong, and what can be done with it. */

import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { type Answered, isOpen, type Phase, pictures, type Results } from "../conversation/items"
import { Calls } from "./calls"
import { CopyButton } from "./copy_button"
import { GrowingJson, GrowingMarkdown } from "./growing"
import { Icon } from "./icon"
import { Reasoning } from "./reasoning"
import { Trouble } from "./trouble"

interface Props {
  readonly answer: Answered
  readonly results: Results | undefined
  /** Whether the timeline shows this answer. */
  readonly looked: boolean
  readonly send: ((results: Results) => void) | undefined
  /** Why nothing can be asked now. */
  readonly hindrance?: string | undefined
  /** How many pictures of the questions are gone: it is told before it is asked again without them. */
  readonly gone?: number
  retry(): void
  look(): void
  /** Further tools, such as what copies the request. */
  readonly more?: ComponentChildren
}

export function AnswerMessage({ answer, results, looked, send, hindrance, gone = 0, retry, look, more }: Props) {
  const [warned, setWarned] = useState(false)
  const again = gone > 0 ? () => setWarned(true) : retry
  return (
    <article class="message answer" aria-label={`${answer.model} answers`}>
      <header class="who">
        <span class="model">{answer.model}</span>
        <Status answer={answer} />
      </header>
      <Reasoning answer={answer} />
      <Words answer={answer} />
      <Calls answer={answer} results={results} send={send} hindrance={hindrance} />
      <Trouble answer={answer} hindrance={hindrance} retry={again} />
      <Tools answer={answer} hindrance={hindrance} looked={looked} retry={again} look={look} more={more} />
      {warned && <Without gone={gone} hindrance={hindrance} retry={retry} end={() => setWarned(false)} />}
    </article>
  )
}

function Words({ answer }: { answer: Answered }) {
  const Growing = answer.json ? GrowingJson : GrowingMarkdown
  // JSON has its frame from its first word on; a call alone has none.
  if (answer.json && answer.phase.value !== "speaking" && answer.fold.reply.text.length === 0) return null
  return <Growing pieces={answer.fold.reply.text} phase={answer.phase} />
}

const STATUS: Partial<Record<Phase, string>> = {
  waiting: "waiting",
  calling: "calling",
  stopped: "stopped",
  failed: "failed",
}

function Status({ answer }: { answer: Answered }) {
  const phase = answer.phase.value
  const finish = answer.fold.reply.finish
  const cut = phase === "whole" && (finish === "length" || finish === "content_filter") ? `cut: ${finish}` : undefined
  const text = STATUS[phase] ?? cut
  return (
    <>
      {isOpen(phase) && <span class="pulse" aria-hidden="true" />}
      {text && <span class={`status ${phase}`}>{text}</span>}
    </>
  )
}

interface WithoutProps extends Pick<Props, "hindrance" | "retry"> {
  readonly gone: number
  end(): void
}

function Without({ gone, hindrance, retry, end }: WithoutProps) {
  return (
    <div class="without" role="alert">
      <p>This was asked with {pictures(gone)}, not kept. Attach what is missing to a new message, or ask without.</p>
      <div class="row">
        <button type="button" onClick={end}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={retry} disabled={hindrance !== undefined} title={hindrance}>
          Ask without
        </button>
      </div>
    </div>
  )
}

type ToolsProps = Pick<Props, "answer" | "hindrance" | "looked" | "retry" | "look" | "more">

function Tools({ answer, hindrance, looked, retry, look, more }: ToolsProps) {
  if (isOpen(answer.phase.value)) return null
  const { text, usage } = answer.fold.reply
  return (
    <footer class="tools">
      {text.length > 0 && <CopyButton text={() => text.toString()} label="Copy the answer" />}
      <button
        type="button"
        class="icon"
        onClick={retry}
        disabled={hindrance !== undefined}
        title={hindrance ?? "Ask again"}
        aria-label="Ask again"
      >
        <Icon name="retry" />
      </button>
      {answer.exchange.value && (
        <button
          type="button"
          class="icon"
          onClick={look}
          aria-pressed={looked}
          title="Timeline"
          aria-label="Show its timeline"
        >
          <Icon name="timeline" />
        </button>
      )}
      <span class="more">{more}</span>
      {usage?.output !== undefined && (
        <span class="usage">
          {usage.input ?? 0} in, {usage.output} out
        </span>
      )}
    </footer>
  )
}
