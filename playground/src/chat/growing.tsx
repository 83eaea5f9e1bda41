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
  const root = useDrawn(phase, (element) => markdownIn(element, pieces))
  return <div class="markdown" ref={root} />
}

/** As JSON, where it begins as JSON does, and else as Markdown: a program may say something else than was asked for. */
export function GrowingJson({ pieces, phase }: Props) {
  const root = useDrawn(phase, (element) => {
    let draw: Draw | undefined
    return (ended) => {
      const json = draw ? undefined : beginsAsJson(pieces.start(HEAD), ended)
      if (json !== undefined) draw = (json ? jsonIn : markdownIn)(element, pieces)
      return draw?.(ended) ?? false
    }
  })
  return <div class="markdown" ref={root} />
}

function markdownIn(element: HTMLElement, pieces: Pieces): Draw {
  const drawing = new Drawing(pieces, new View(element))
  return (ended) => drawing.draw(ended)
}

/** As it comes while it comes, and laid out when it is whole. */
function jsonIn(element: HTMLElement, pieces: Pieces): Draw {
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
}

/** How much of a text tells what it is, in UTF-16 units: more blanks than that are no JSON. */
const HEAD = 100

/** Whether it is an object or a list, as far as its beginning tells; undefined as long as that tells nothing. */
function beginsAsJson(head: string, ended: boolean): boolean | undefined {
  if (/^\s*\[?\s*$/.test(head) && head.length < HEAD && !ended) return undefined
  return /^\s*(\{|\[\s*[[{"\d\]-])/.test(head)
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
