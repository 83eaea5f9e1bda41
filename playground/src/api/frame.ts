/** What a stream brings, frame by frame, with the time of each: what the timeline draws and its figures are made of. */

/** What a frame is for. `start` is a role alone; `other` is a chunk that says nothing of these. */
export type FrameKind =
  | "start"
  | "text"
  | "reasoning"
  | "call"
  | "finish"
  | "usage"
  | "error"
  | "done"
  | "comment"
  | "other"

export interface Frame {
  /** Its place in the stream, from 0. */
  readonly index: number
  /** When the read that ended it came back, in ms after the request was sent. */
  readonly at: number
  /** Which read of the connection that was, from 0: frames of one write mostly have the same. */
  readonly read: number
  /** Its lines as they came, without the empty one that ends it. In the middle of a long answer "": none are kept. */
  readonly raw: string
  /** Its size in bytes, with the empty line. */
  readonly size: number
  readonly kind: FrameKind
}

/** One request and all that came of it. `frames` only grows; whoever draws looks at it once per animation frame. */
export interface Exchange {
  readonly url: string
  /** The body as it was sent. */
  readonly body: Readonly<Record<string, unknown>>
  readonly frames: readonly Frame[]
  /** Ms after the request was sent: when the head of the answer came, and when its end did. */
  readonly headAt: number | undefined
  readonly endAt: number | undefined
  readonly status: number | undefined
  readonly outcome: "waiting" | "streaming" | "whole" | "stopped" | "failed"
}
