/** Turns a finished or growing piece of Markdown into nodes that can run nothing and ask nobody. */

import DOMPurify from "dompurify"
import { Marked, type Renderer, type Tokens } from "marked"

const WEB = /^(?:https?:\/\/|mailto:)/i
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,/i
const TAGS =
  "a blockquote br code del em h3 h4 h5 h6 hr img li ol p pre s span strong sub sup table tbody td th thead tr ul"
const RULES = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ["align", "alt", "class", "href", "src", "start", "title"],
  ALLOWED_URI_REGEXP: WEB,
  ADD_URI_SAFE_ATTR: ["align", "start"], // all others have to look like an address
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
}

const renderer: Partial<Renderer> = {
  // HTML is shown as the text that it is; a line's end alone, which tables need, is one.
  html: ({ text }: Tokens.HTML | Tokens.Tag) => (/^<br\s*\/?>$/i.test(text.trim()) ? "<br>" : escaped(text)),
  heading(this: Renderer, { tokens, depth }: Tokens.Heading) {
    // The page has titles of its own above those of an answer.
    const level = Math.min(depth + 2, 6)
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`
  },
  checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  image({ href, text, title }: Tokens.Image) {
    if (PICTURE.test(href)) return `<img src="${escaped(href)}" alt="${escaped(text)}">`
    const name = escaped(`Image: ${text || title || href}`)
    return WEB.test(href) ? `<a href="${escaped(href)}">${name}</a>` : name
  },
}

const markdown = new Marked({ gfm: true, async: false, renderer })

/** The nodes of a text in Markdown. */
export function nodesOf(source: string): DocumentFragment {
  return clean(htmlOf(source))
}

function htmlOf(source: string): string {
  try {
    return markdown.parse(source) as string
  } catch {
    // Nested so deep that the parser gave up.
    return `<p>${escaped(source)}</p>`
  }
}

function clean(html: string): DocumentFragment {
  const nodes = DOMPurify.sanitize(html, RULES)
  for (const link of nodes.querySelectorAll("a")) {
    if (!link.hasAttribute("href")) continue
    link.target = "_blank"
    link.rel = "noopener noreferrer"
  }
  return nodes
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
