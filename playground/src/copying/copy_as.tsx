/** Buttons that copy an exchange's request as something that works where it is pasted. */

import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { Exchange } from "../api/frame"
import { put } from "./clipboard"
import "./copying.css"
import { curl } from "./curl"
import { javascriptProgram } from "./javascript"
import { pythonProgram } from "./python"
import type { CopiedRequest } from "./request"

const FORMS: readonly (readonly [name: string, write: (request: CopiedRequest) => string])[] = [
  ["curl", curl],
  ["Python", pythonProgram],
  ["JavaScript", javascriptProgram],
]
/** How long a button says what came of it, in ms. */
const TOLD = 2500

interface Props {
  readonly exchange: Exchange
  /** Whether this page uses a key: the copy then names a variable, and never the key. */
  readonly keyed: boolean
}

export function CopyAs({ exchange, keyed }: Props) {
  const told = useSignal("")
  useEffect(() => {
    if (told.value === "") return
    const timer = setTimeout(() => {
      told.value = ""
    }, TOLD)
    return () => clearTimeout(timer)
  }, [told.value])
  const copy = async (name: string, write: (request: CopiedRequest) => string) => {
    const url = new URL(exchange.url, document.baseURI).href
    const done = await put(write({ url, body: exchange.body, keyed }))
    told.value = done ? `Copied as ${name}` : "The browser did not let it be copied"
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form
    <span class="copy-as" role="group" aria-label="Copy the request as">
      <span aria-hidden="true">Copy as</span>
      {FORMS.map(([name, write]) => (
        <button key={name} type="button" aria-label={`Copy as ${name}`} onClick={() => copy(name, write)}>
          {name}
        </button>
      ))}
      <span class="copy-told" role="status">
        {told.value}
      </span>
    </span>
  )
}
