/** What an exchange comes to in figures: pure, and each exactly defined here. */

import { quantiles } from "./quantile"
import { type Pause, type Recording, SHORTEST_STALL } from "./recording"

/** A pause is a stall where it is this many times the median gap. */
const FAR_OVER_MEDIAN = 5

/**
 * All times are ms. A frame's time is the one at which the read that ended it came back, after the request was sent.
 * A token frame is one of text, reasoning or a tool call. A gap is the time from one token frame to the next: 0 where
 * one read brought both, whatever other frames were between them. A figure that has nothing to be made of is undefined.
 */
export interface Figures {
  /** When the head of the answer came. */
  readonly head: number | undefined
  /** The time of the first token frame. */
  readonly firstToken: number | undefined
  /**
   * Tokens per second from the first token frame to the last: (tokens - 1) / time between them, since the first one
   * only starts the clock. Tokens are as many as the last usage frame says (`counted` is then "usage"), otherwise as
   * many as there are token frames ("frames").
   */
  readonly rate: number | undefined
  readonly tokens: number
  readonly counted: "usage" | "frames"
  /** Quantiles of all gaps by the nearest rank: the smallest gap that so large a share of the gaps does not exceed. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** The gaps of at least 100 ms that are at least five times as long as the median one, in order. */
  readonly stalls: readonly Pause[]
  /** All frames, comments and the last one too; the reads that ended at least one of them; their bytes. */
  readonly frames: number
  readonly reads: number
  readonly bytes: number
  /** When the answer ended; as long as it has not, the time of its last frame. */
  readonly duration: number | undefined
}

/** Takes time in proportion to the number of token frames. */
export function figuresOf(recording: Recording, headAt: number | undefined, endAt: number | undefined): Figures {
  const [p50, p99] = quantiles(recording.gaps, [0.5, 0.99])
  const tokens = recording.tokensSaid ?? recording.tokenFrames
  return {
    head: headAt,
    firstToken: recording.firstToken,
    rate: rateOf(tokens, recording),
    tokens,
    counted: recording.tokensSaid === undefined ? "frames" : "usage",
    p50,
    p99,
    stalls: stallsOf(recording.pauses, p50),
    frames: recording.length,
    reads: recording.reads,
    bytes: recording.bytes,
    duration: endAt ?? (recording.length > 0 ? recording.at[recording.length - 1] : headAt),
  }
}

function rateOf(tokens: number, { firstToken, lastToken }: Recording): number | undefined {
  if (firstToken === undefined || lastToken === undefined) return undefined
  const seconds = (lastToken - firstToken) / 1000
  return seconds > 0 && tokens > 1 ? (tokens - 1) / seconds : undefined
}

function stallsOf(pauses: readonly Pause[], median: number | undefined): readonly Pause[] {
  const least = Math.max(SHORTEST_STALL, FAR_OVER_MEDIAN * (median ?? 0))
  return pauses.filter((pause) => pause.to - pause.from >= least)
}
