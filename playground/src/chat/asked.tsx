/** What a person said, and the way to say something else in its place. */

import { useState } from "preact/hooks"
import { type Asked, pictures } from "../conversation/items"
import { Icon } from "./icon"

interface Props {
  readonly asked: Asked
  edit(text: string): void
}

export function AskedMessage({ asked, edit }: Props) {
  const [editing, setEditing] = useState(false)
  if (editing) return <Editing asked={asked} edit={edit} end={() => setEditing(false)} />
  return (
    <article class="message asked" aria-label="You">
      <div class="bubble">
        {asked.images.map((url) => (
          <img key={url} src={url} alt="Sent" />
        ))}
        {asked.gone && <p class="gone">{pictures(asked.gone)}, not kept</p>}
        {asked.text}
      </div>
      <button type="button" class="icon" onClick={() => setEditing(true)} title="Edit" aria-label="Edit this message">
        <Icon name="edit" />
      </button>
    </article>
  )
}

function Editing({ asked, edit, end }: Props & { end(): void }) {
  const [text, setText] = useState(asked.text)
  const save = () => {
    end()
    edit(text)
  }
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation()
      end()
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      save()
    }
  }
  return (
    <div class="message asked editing">
      <textarea
        ref={(field) => field?.focus()}
        aria-label="Your message"
        value={text}
        rows={Math.min(text.split("\n").length + 1, 12)}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={key}
      />
      <div class="row">
        {asked.gone && <p class="gone">It is sent without {pictures(asked.gone)}, not kept.</p>}
        <button type="button" onClick={end}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={save}>
          Send
        </button>
      </div>
    </div>
  )
}
