/** Where the settings of requests are written; what is wrong with one is told beside it. */

import { SCHEMA, TOOLS } from "./examples"
import { Field } from "./field"
import type { Name } from "./fields"
import type { SettingsStore } from "./store"

interface Numeric {
  readonly name: Name
  readonly hint: string
}

const NUMBERS: readonly Numeric[] = [
  { name: "temperature", hint: "0 to 2" },
  { name: "top_p", hint: "0 to 1" },
  { name: "max_completion_tokens", hint: "the program's" },
  { name: "seed", hint: "none" },
]

/** `forget` clears the conversation and the settings, both of which the browser keeps. */
export function SettingsPanel({ store, close, forget }: { store: SettingsStore; close(): void; forget(): void }) {
  return (
    <aside class="settings" id="settings" aria-label="Settings">
      <div class="settings-head">
        <h2>Settings</h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      <Field store={store} name="system" rows={3} hint="What the program is told first" />
      <div class="numbers">
        {NUMBERS.map((field) => (
          <Field key={field.name} store={store} {...field} />
        ))}
      </div>
      <Field store={store} name="stop" rows={2} hint="One on each line" />
      <Field store={store} name="tools" rows={6} hint="A JSON list" code example={TOOLS} />
      <Field store={store} name="schema" rows={6} hint="The answer is any text" code example={SCHEMA} />
      <Field store={store} name="extra" rows={3} hint='{"reasoning_effort": "low"}' code />
      <button type="button" class="danger" onClick={forget}>
        Forget the chat and these settings
      </button>
      <p class="note">Both are kept in this browser alone, without pictures.</p>
    </aside>
  )
}
