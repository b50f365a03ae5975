// What to call the state of the live picture, and when to try again: decisions on values, no timers, no network.

export type Connection = 'connecting' | 'live' | 'polling' | 'stale'

export const POLL_MS = 5_000
/** The cloud pings every 15 s; a stream silent for this long is dead (docs/openapi.json, PingEvent). */
export const SILENT_MS = 40_000
/** A stream that has not said a word after this long counts as failed. */
export const OPENING_MS = 10_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

interface Evidence {
  nowMs: number
  streamHeardMs: number | null
  polledMs: number | null
  databaseAway: boolean
  failures: number
}

export function connectionOf(evidence: Evidence): Connection {
  const { nowMs, streamHeardMs, polledMs, databaseAway, failures } = evidence
  if (databaseAway) return 'stale'
  if (streamHeardMs !== null && nowMs - streamHeardMs < SILENT_MS) return 'live'
  if (failures === 0 && streamHeardMs === null) return 'connecting'
  return polledMs !== null && nowMs - polledMs < 3 * POLL_MS ? 'polling' : 'stale'
}

/** Full jitter, doubling from a second to fifteen: a restarted cloud must not meet every wall at once. */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10))
  return FIRST_RETRY_MS / 2 + random * (ceiling - FIRST_RETRY_MS / 2)
}
