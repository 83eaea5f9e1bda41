/** What a person said, and the way to say something else in its place. */

import { useState } from "preact/hooks"
import { type Asked, pictures } from "../conversation/items"
import { Icon } from "./icon"

interface Props {
  readonly asked: Asked
  /** Why nothing can be asked now. */
  readonly hindrance?: string | undefined
  edit(text: string): void
}

export function AskedMessage({ asked, hindrance, edit }: Props) {
  const [editing, setEditing] = useState(false)
  if (editing) return <Editing asked={asked} hindrance={hindrance} edit={edit} end={() => setEditing(false)} />
  return (
    <article class="message asked" aria-label="You">
      <div class="bubble">
        {asked.images.map((url, place) => (
          <img key={place} src={url} alt="Sent" />
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

function Editing({ asked, hindrance, edit, end }: Props & { end(): void }) {
  const [text, setText] = useState(asked.text)
  const unfit = hindrance !== undefined || (text.trim() === "" && asked.images.length === 0)
  const save = () => {
    if (unfit) return
    end()
    edit(text)
  }
  const key = (event: KeyboardEvent) => {
    if (event.isComposing) return
    if (event.key === "Escape") {
      event.stopPropagation()
      end()
    } else if (event.key === "Enter" && !event.shiftKey) {
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
        <button type="button" class="primary" onClick={save} disabled={unfit} title={hindrance}>
          Send
        </button>
      </div>
    </div>
  )
}
