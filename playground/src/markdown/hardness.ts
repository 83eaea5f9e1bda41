/** Which texts are made to be hard to read: a parser's time may grow with the square of these. */

/** The longest block that is read as Markdown, in UTF-16 units. */
export const LONGEST = 12_288
const MOST_MARKS = 1200
const DEEPEST = 24
/** More than a block of that length can have where each cell is written: a row of one letter has all of its columns. */
const MOST_CELLS = 6144

/** Whether a block has so many marks, or lies so deep, or has so many cells, that it is better shown as plain text. */
export function isHard(text: string): boolean {
  return marksOf(text) > MOST_MARKS || deepestLine(text) > DEEPEST || cellsOf(text) > MOST_CELLS
}

const MARKS = new Set([..."[]*_`<>~!&\\"].map((mark) => mark.charCodeAt(0)))

function marksOf(text: string): number {
  let marks = 0
  for (let place = 0; place < text.length; place += 1) if (MARKS.has(text.charCodeAt(place))) marks += 1
  return marks
}

/** How many quotes, lists and steps of indentation a line begins with, at most. */
function deepestLine(text: string): number {
  let deepest = 0
  for (let start = 0; start >= 0 && start < text.length; ) {
    deepest = Math.max(deepest, depthAt(text, start))
    const end = text.indexOf("\n", start)
    start = end < 0 ? end : end + 1
  }
  return deepest
}

function depthAt(text: string, start: number): number {
  let depth = 0
  let spaces = 0
  for (let place = start; place < text.length; place += 1) {
    const character = text[place] as string
    if (character === " ") spaces += 1
    else if (character === "\t") spaces += 4
    else if (">-+*".includes(character)) depth += 1
    else if (!/[\d.)]/.test(character)) break
    else if (character === "." || character === ")") depth += 1
  }
  return depth + Math.floor(spaces / 4)
}

/** The cells that its lines would have, if all were rows of its widest table. */
function cellsOf(text: string): number {
  let columns = 0
  let rows = 0
  for (const line of text.split("\n")) {
    rows += 1
    // The line below a table's head says how many columns each row has; the table may lie in a quote or a list.
    if (line.includes("|") && /^[\s>*+.)\d|:-]*$/.test(line)) columns = Math.max(columns, line.split("|").length)
  }
  return columns * rows
}
