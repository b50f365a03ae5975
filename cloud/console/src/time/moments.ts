// Moments and spans of the time machine: decisions on values, no clock, no network. Milliseconds since 1970 throughout.

export const RANGES = ['day', 'week', 'quarter'] as const
export type Range = (typeof RANGES)[number]
export const SPEEDS = [1, 10, 60, 360, 1440] as const
export type Speed = (typeof SPEEDS)[number]

export const DAY_MS = 86_400_000
/** How far back any moment can be asked for. A minute less: what is asked for must still be kept when it arrives. */
export const KEPT_MS = 90 * DAY_MS - 60_000
/** The district keeps one offset all the year (UTC+8). */
const OFFSET_MS = 8 * 3_600_000
const STEPS_MS: Record<Range, number> = { day: 60_000, week: 600_000, quarter: 3_600_000 }

export interface Span {
  since: number
  until: number
}

/** The moment that an address names; null when it names none. */
export function momentOf(text: unknown): number | null {
  if (typeof text !== 'string' || !text) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** A moment as the address and the API have it, to the second. */
export function textOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** How far an arrow key goes. */
export function stepOf(range: Range): number {
  return STEPS_MS[range]
}

export function midnightBefore(ms: number): number {
  return Math.floor((ms + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS
}

/** The part of the time that a scrubber shows around a moment: whole days of the district, not beyond what is kept. */
export function windowOf(at: number, now: number, range: Range): Span {
  const oldest = now - KEPT_MS
  if (range === 'quarter') return { since: oldest, until: now }
  const days = range === 'day' ? 1 : 7
  const end = midnightBefore(at) + DAY_MS
  return { since: Math.max(oldest, end - days * DAY_MS), until: Math.min(now, end) }
}

/** The nearest moment that can be asked for; null when it is now or later, which is live. */
export function kept(ms: number, now: number): number | null {
  return ms >= now ? null : Math.max(ms, now - KEPT_MS)
}

/** The next bell after a moment, or the last before it; where the span has none, the day beside it. */
export function bellFrom(at: number, bells: readonly number[], way: 1 | -1, shown: Span): number {
  const rung = way > 0 ? bells.find((bell) => bell > at) : [...bells].reverse().find((bell) => bell < at)
  if (rung !== undefined) return rung
  return way > 0 ? shown.until : shown.since - 1000
}

/** Height of a bar, 0 to 1: a root, so that one quiet change is seen beside a storm of thousands. */
export function heights(counts: readonly number[]): number[] {
  const most = Math.max(1, ...counts)
  return counts.map((count) => (count === 0 ? 0 : Math.max(0.08, Math.sqrt(count / most))))
}
