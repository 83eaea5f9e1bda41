/** The data of one frame of an event stream, from its lines as they came. */

/** Its data lines, joined as the event stream format says; "" where it has none, as a comment has. */
export function dataOf(raw: string): string {
  return raw
    .split(/\r\n|\n|\r/)
    .filter((line) => line === "data" || line.startsWith("data:"))
    .map((line) => line.slice("data:".length).replace(/^ /, ""))
    .join("\n")
}
