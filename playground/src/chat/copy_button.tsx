/** A button that copies a text, and says that it did. */

import { useState } from "preact/hooks"
import { put } from "../copying/clipboard"
import { Icon } from "./icon"

export function CopyButton({ text, label }: { text(): string; label: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    if (!(await put(text()))) return
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button type="button" class="icon" onClick={copy} title={label} aria-label={copied ? "Copied" : label}>
      <Icon name={copied ? "done" : "copy"} />
    </button>
  )
}
