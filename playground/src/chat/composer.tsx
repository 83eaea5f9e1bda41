/** Where the next prompt is written: text and pictures, sent to all panes. */

import { type Signal, useSignal } from "@preact/signals"
import type { ComponentChildren, TargetedKeyboardEvent } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { Icon } from "./icon"
import { pasted, picturesIn, takeDropped } from "./pictures"

interface Props {
  /** What is written, and not sent yet. */
  readonly text: Signal<string>
  readonly busy: boolean
  /** Why nothing can be sent now. */
  readonly hindrance: string | undefined
  send(text: string, images: readonly string[]): void
  stop(): void
  /** What stands above it. */
  readonly children?: ComponentChildren
}

export function Composer({ text, busy, hindrance, send, stop, children }: Props) {
  const images = useSignal<readonly string[]>([])
  const note = useSignal<string | undefined>(undefined)
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (!touched()) field.current?.focus()
  }, [])
  const empty = text.value.trim() === "" && images.value.length === 0

  const attach = async (files: Iterable<File>) => {
    const read = await picturesIn(files)
    images.value = [...images.value, ...read.urls]
    note.value = read.note
  }
  useEffect(() => takeDropped((files) => void attach(files)), [])
  const submit = () => {
    if (empty || busy || hindrance) return
    send(text.value, images.value)
    text.value = ""
    images.value = []
    note.value = undefined
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {children}
      <Attached
        images={images.value}
        remove={(gone) => (images.value = images.value.filter((_url, place) => place !== gone))}
      />
      <div class="line">
        <PicturePicker attach={attach} />
        <textarea
          ref={field}
          id="composer"
          aria-label="Message"
          placeholder="Ask something"
          rows={1}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={(event) => sendsByKey(event) && submit()}
          onPaste={(event) => void attach(pasted(event.clipboardData))}
        />
        {busy ? (
          <button type="button" class="send" onClick={stop} title="Stop (Escape)" aria-label="Stop">
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            class="send"
            disabled={empty || hindrance !== undefined}
            title="Send (Enter)"
            aria-label="Send"
          >
            <Icon name="send" />
          </button>
        )}
      </div>
      <p class="hint" role={hindrance || note.value ? "alert" : undefined}>
        {hindrance ?? note.value ?? "Enter sends, Shift+Enter begins a line, Escape stops, / comes back here"}
      </p>
    </form>
  )
}

/** On a touch screen the focus would bring up a keyboard that covers half of the page. */
function touched(): boolean {
  return window.matchMedia?.("(pointer: coarse)").matches
}

function Attached({ images, remove }: { images: readonly string[]; remove(place: number): void }) {
  if (images.length === 0) return null
  return (
    <ul class="attached" aria-label="Pictures to be sent">
      {images.map((url, place) => (
        <li key={place}>
          <img src={url} alt={`To be sent, ${place + 1}`} />
          <button type="button" onClick={() => remove(place)} aria-label={`Remove picture ${place + 1}`}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

function PicturePicker({ attach }: { attach(files: Iterable<File>): Promise<void> }) {
  const picker = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={picker}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label="Pictures"
        onChange={(event) => {
          void attach(event.currentTarget.files ?? [])
          event.currentTarget.value = ""
        }}
      />
      <button
        type="button"
        class="icon"
        onClick={() => picker.current?.click()}
        title="Attach pictures"
        aria-label="Attach pictures"
      >
        <Icon name="attach" />
      </button>
    </>
  )
}

function sendsByKey(event: TargetedKeyboardEvent<HTMLTextAreaElement>): boolean {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return false
  event.preventDefault()
  return true
}
