/** A text that grows on the screen, drawn in each frame as far as there is time. */

import type { ReadonlySignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { isOpen, type Phase } from "../conversation/items"
import { CodeBlock } from "../markdown/code_block"
import { Drawing } from "../markdown/drawing"
import { LongText } from "../markdown/long_text"
import { View } from "../markdown/view"
import type { Pieces } from "../reply/pieces"

interface Props {
  readonly pieces: Pieces
  readonly phase: ReadonlySignal<Phase>
}

/** Draws as far as it may; `ended` says that no more comes, the result whether something is left. */
type Draw = (ended: boolean) => boolean

/** As Markdown. */
export function GrowingMarkdown({ pieces, phase }: Props) {
  const root = useDrawn(phase, (element) => {
    const drawing = new Drawing(pieces, new View(element))
    return (ended) => drawing.draw(ended)
  })
  return <div class="markdown" ref={root} />
}

/** As JSON: as it comes while it comes, and laid out when it is whole. */
export function GrowingJson({ pieces, phase }: Props) {
  const root = useDrawn(phase, (element) => {
    let block = new CodeBlock("json")
    element.replaceChildren(block.element)
    let taken = 0
    return (ended) => {
      block.append(pieces.since(taken))
      taken = pieces.count
      if (!ended) return false
      const pretty = laidOut(pieces)
      if (pretty !== undefined) {
        block = new CodeBlock("json")
        block.append(pretty)
        element.replaceChildren(block.element)
      }
      block.close()
      return false
    }
  })
  return <div class="markdown" ref={root} />
}

/** As it is, in lines of code. */
export function GrowingCode({ pieces, phase }: Props) {
  const root = useDrawn(phase, (element) => {
    let text = new LongText(element)
    let taken = 0
    return (ended) => {
      text.append(pieces.since(taken))
      taken = pieces.count
      const pretty = ended ? laidOut(pieces) : undefined
      if (pretty !== undefined) {
        element.replaceChildren()
        text = new LongText(element)
        text.append(pretty)
      }
      return false
    }
  })
  // biome-ignore lint/a11y/noNoninteractiveTabindex: who has a keyboard alone scrolls it, too.
  return <pre class="arguments" ref={root} tabIndex={0} />
}

/** The longest JSON that is laid out, in UTF-16 units: it has to be done at once. */
const LONGEST = 200_000

function laidOut(pieces: Pieces): string | undefined {
  if (pieces.length > LONGEST) return undefined
  try {
    return JSON.stringify(JSON.parse(pieces.toString()), null, 2)
  } catch {
    return undefined
  }
}

/** A place in the page that is drawn in each frame, until all of an ended text is there. */
function useDrawn(phase: ReadonlySignal<Phase>, begin: (element: HTMLElement) => Draw) {
  const root = useRef<HTMLDivElement & HTMLPreElement>(null)
  useEffect(() => {
    if (!root.current) return
    const draw = begin(root.current)
    let frame = 0
    const step = () => {
      const ended = !isOpen(phase.value)
      if (draw(ended) || !ended) frame = requestAnimationFrame(step)
    }
    step()
    return () => cancelAnimationFrame(frame)
  }, [])
  return root
}
