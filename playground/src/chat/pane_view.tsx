/** One program's side of the page: its name, its thread, and the place of its timeline. */

import type { Conversation } from "../conversation/conversation"
import type { Answered, Item, Results } from "../conversation/items"
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
  /** Why nothing can be asked now. */
  readonly hindrance: string | undefined
  readonly programs: readonly string[]
  readonly choose: (pane: Pane, program: string) => void
  readonly timeline: boolean
}

export function PaneView({ pane, conversation, hindrance, programs, choose, timeline }: Props) {
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
            <Thread pane={pane} conversation={conversation} hindrance={hindrance} />
          </div>
        </div>
      </div>
      <aside class="timeline" aria-label="Timeline" hidden={!timeline}>
        {timeline && <Timeline exchange={pane.chosen} gone={pane.latest.value !== undefined} />}
      </aside>
    </section>
  )
}

type ThreadProps = Pick<Props, "pane" | "conversation" | "hindrance">

function Thread(props: ThreadProps) {
  const { pane, conversation } = props
  const items = pane.items.value
  return (
    <>
      {conversation.beginsLater(pane) && <p class="begins">Begins here: it does not know what was said before.</p>}
      {items.length === 0 && <Welcome program={pane.model.value} />}
      {items.map((item, place) => messageOf(item, items[place + 1], props))}
    </>
  )
}

function messageOf(item: Item, next: Item | undefined, { pane, conversation, hindrance }: ThreadProps) {
  if (item.is === "results") return null
  if (item.is === "asked") {
    const edit = (text: string) => conversation.edit(item, text)
    return <AskedMessage key={item.id} asked={item} hindrance={hindrance} edit={edit} />
  }
  const results = next?.is === "results" ? next : undefined
  const told = { results, isLast: next === undefined, pane, hindrance }
  return <AnswerIn key={item.id} answer={item} {...told} />
}

interface AnswerProps {
  readonly answer: Answered
  readonly results: Results | undefined
  readonly isLast: boolean
  readonly pane: Pane
  readonly hindrance: string | undefined
}

function AnswerIn({ answer, results, isLast, pane, hindrance }: AnswerProps) {
  const exchange = answer.exchange.value
  return (
    <AnswerMessage
      answer={answer}
      results={results}
      looked={(pane.chosenAnswer.value ?? pane.latest.value) === answer}
      send={isLast ? (of) => void pane.result(of) : undefined}
      hindrance={hindrance}
      gone={pane.goneBefore(answer.id)}
      retry={() => void pane.retry(answer.id)}
      look={() => {
        pane.chosenAnswer.value = answer
      }}
      more={exchange && <CopyAs exchange={exchange} keyed={pane.manner().key !== undefined} />}
    />
  )
}
