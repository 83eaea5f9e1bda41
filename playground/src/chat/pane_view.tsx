/** One program's side of the page: its name, its thread, and the place of its timeline. */

import type { Conversation } from "../conversation/conversation"
import type { Answered, Asked, Item, Results } from "../conversation/items"
import type { Pane } from "../conversation/pane"
import { CopyAs } from "../copying/copy_as"
import { copyCode } from "../markdown/code_block"
import { Timeline } from "../timeline/timeline"
import { AnswerMessage } from "./answer"
import { AskedMessage } from "./asked"
import { useFollowing } from "./following"
import { Welcome } from "./welcome"

interface Props {
  readonly pane: Pane
  readonly conversation: Conversation
  readonly programs: readonly string[]
  readonly choose: (pane: Pane, program: string) => void
  readonly timeline: boolean
}

export function PaneView({ pane, conversation, programs, choose, timeline }: Props) {
  const { scroller, content } = useFollowing()
  const label = pane.name === "first" ? "Program" : "Second program"
  return (
    <section class="pane" aria-label={`${label}: ${pane.model.value}`}>
      <div class="talk">
        <div class="pane-head">
          <select
            aria-label={label}
            value={pane.model.value}
            onChange={(event) => choose(pane, event.currentTarget.value)}
          >
            {programs.map((program) => (
              <option key={program}>{program}</option>
            ))}
          </select>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has a keyboard alone scrolls it, too. */}
        <div class="scroller" ref={scroller} tabIndex={0} role="log" aria-label="Conversation" aria-live="off">
          {/* biome-ignore lint/a11y/noStaticElementInteractions: it listens to the buttons inside. */}
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: a button's click is a key's, too. */}
          <div class="thread" ref={content} onClick={(event) => void copyCode(event.target)}>
            <Thread pane={pane} conversation={conversation} />
          </div>
        </div>
      </div>
      <aside class="timeline" aria-label="Timeline" hidden={!timeline}>
        {timeline && <Timeline exchange={pane.chosen} gone={pane.latest.value !== undefined} />}
      </aside>
    </section>
  )
}

function Thread({ pane, conversation }: Pick<Props, "pane" | "conversation">) {
  const items = pane.items.value
  return (
    <>
      {conversation.beginsLater(pane) && <p class="begins">Begins here: it does not know what was said before.</p>}
      {items.length === 0 && <Welcome program={pane.model.value} />}
      {items.map((item, place) => messageOf(item, items[place + 1], pane, conversation))}
    </>
  )
}

function messageOf(item: Item, next: Item | undefined, pane: Pane, conversation: Conversation) {
  if (item.is === "asked") return <AskedIn key={item.id} asked={item} conversation={conversation} />
  if (item.is === "results") return null
  const results = next?.is === "results" ? next : undefined
  return <AnswerIn key={item.id} answer={item} results={results} isLast={next === undefined} pane={pane} />
}

function AskedIn({ asked, conversation }: { asked: Asked; conversation: Conversation }) {
  return <AskedMessage asked={asked} edit={(text) => conversation.edit(asked, text)} />
}

interface AnswerProps {
  readonly answer: Answered
  readonly results: Results | undefined
  readonly isLast: boolean
  readonly pane: Pane
}

function AnswerIn({ answer, results, isLast, pane }: AnswerProps) {
  const exchange = answer.exchange.value
  return (
    <AnswerMessage
      answer={answer}
      results={results}
      looked={(pane.chosenAnswer.value ?? pane.latest.value) === answer}
      send={isLast ? (of) => void pane.result(of) : undefined}
      gone={pane.goneBefore(answer.id)}
      retry={() => void pane.retry(answer.id)}
      look={() => {
        pane.chosenAnswer.value = answer
      }}
      more={exchange && <CopyAs exchange={exchange} keyed={pane.manner().key !== undefined} />}
    />
  )
}
