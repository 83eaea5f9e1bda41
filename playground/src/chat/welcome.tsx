/** What is there before anything was said: who listens, and how other clients reach it. */

import { CopyButton } from "./copy_button"

export function Welcome({ program }: { program: string }) {
  const address = new URL("v1", document.baseURI).href
  return (
    <div class="welcome">
      <h2>{program ? `Ask ${program}` : "Ask your program"}</h2>
      <p>What you see here is what every OpenAI client gets: the same requests, the same frames.</p>
      <p class="address">
        <span>base_url</span>
        <code>{address}</code>
        <CopyButton text={() => address} label="Copy the address" />
      </p>
    </div>
  )
}
