/** Colours code of the languages that answers mostly have; others stay plain. */

import hljs from "highlight.js/lib/core"
import bash from "highlight.js/lib/languages/bash"
import css from "highlight.js/lib/languages/css"
import diff from "highlight.js/lib/languages/diff"
import go from "highlight.js/lib/languages/go"
import ini from "highlight.js/lib/languages/ini"
import javascript from "highlight.js/lib/languages/javascript"
import json from "highlight.js/lib/languages/json"
import python from "highlight.js/lib/languages/python"
import rust from "highlight.js/lib/languages/rust"
import sql from "highlight.js/lib/languages/sql"
import typescript from "highlight.js/lib/languages/typescript"
import xml from "highlight.js/lib/languages/xml"
import yaml from "highlight.js/lib/languages/yaml"

const LANGUAGES = { bash, css, diff, go, ini, javascript, json, python, rust, sql, typescript, xml, yaml }
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language)

/** The longest code that is coloured, in UTF-16 units: it has to be done at once. */
const LONGEST = 16_384
/** A line of more, or white space of more, takes the highlighter seconds: its patterns look ahead from each place. */
const SLOW = /[^\n]{301}|\s{101}/

/** The code as HTML, escaped but for its colours; undefined where it stays as it is. */
export function coloured(code: string, language: string): string | undefined {
  if (code.length > LONGEST || SLOW.test(code) || !hljs.getLanguage(language)) return undefined
  return hljs.highlight(code, { language, ignoreIllegals: true }).value
}
