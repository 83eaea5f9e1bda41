/** What a copied request is made of. */

/** Where the key is read from, wherever a key is used: the key itself is never copied. */
export const KEY_VARIABLE = "MSERVE_API_KEY"

export interface CopiedRequest {
  /** The whole address, with its scheme and host. */
  readonly url: string
  readonly body: Readonly<Record<string, unknown>>
  /** Whether the server asks for a key. */
  readonly keyed: boolean
}

/** What the SDKs want: the address without the path that they add. */
export function baseUrl(url: string): string {
  return url.replace(/\/chat\/completions$/, "")
}
