/** One setting: its label, what is written there, and what is wrong with it. */

import type { TargetedInputEvent } from "preact"
import { LABELS, type Name } from "./fields"
import type { SettingsStore } from "./store"

interface Props {
  readonly store: SettingsStore
  readonly name: Name
  readonly hint: string
  /** How many lines it has; without it, it is one short line. */
  readonly rows?: number
  readonly code?: boolean
  /** What a button inserts while the field is empty. */
  readonly example?: string
}

export function Field({ store, name, hint, rows, code, example }: Props) {
  const label = LABELS[name]
  const text = store.now.value[name]
  const fault = store.read.value.faults[name]
  const id = `setting-${name}`
  const common = {
    id,
    value: text,
    placeholder: hint,
    spellcheck: !code && name === "system",
    class: code ? "mono" : "",
    "aria-invalid": fault !== undefined,
    "aria-describedby": fault === undefined ? undefined : `${id}-fault`,
    onInput: (event: TargetedInputEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      store.set(name, event.currentTarget.value),
  }
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        {example !== undefined && text === "" && (
          <button type="button" class="link" onClick={() => store.set(name, example)}>
            Insert an example<span class="unseen"> for {label}</span>
          </button>
        )}
      </div>
      {rows === undefined ? (
        <input inputMode="decimal" autocomplete="off" {...common} />
      ) : (
        <textarea rows={rows} {...common} />
      )}
      {fault !== undefined && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  )
}
