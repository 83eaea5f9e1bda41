/** What a text in Markdown becomes while it grows: parts that are drawn once, and a tail that is drawn anew. */

/** In order; a `code` and a `plain` follow one another until their `close`. */
export type Part =
  | { readonly kind: "prose"; readonly source: string }
  | { readonly kind: "fence"; readonly language: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "close" }
