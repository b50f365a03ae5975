// Where the hours of a school's day lie on its strip.

import type { SchoolDay } from '../../api/types'

export interface Frame {
  fromMs: number
  toMs: number
}

const HOUR_MS = 3_600_000

/** From an hour before the first period to an hour after the last; six to six on a day without any; now always inside. */
export function windowOf(day: Pick<SchoolDay, 'starts_at' | 'periods'>, nowMs: number): Frame {
  const midnight = Date.parse(day.starts_at)
  const begins = day.periods.map((period) => Date.parse(period.starts_at))
  const ends = day.periods.map((period) => Date.parse(period.ends_at))
  const fromMs = begins.length ? Math.min(...begins) - HOUR_MS : midnight + 6 * HOUR_MS
  const toMs = ends.length ? Math.max(...ends) + HOUR_MS : midnight + 18 * HOUR_MS
  return { fromMs: Math.min(fromMs, nowMs), toMs: Math.max(toMs, nowMs) }
}

/** Left edge and width in per cent, cut to the frame; null when it lies outside. */
export function placeOf(fromMs: number, toMs: number, frame: Frame): { left: number; width: number } | null {
  const from = Math.max(fromMs, frame.fromMs)
  const to = Math.min(toMs, frame.toMs)
  if (from > to) return null
  const scale = 100 / (frame.toMs - frame.fromMs)
  return { left: (from - frame.fromMs) * scale, width: (to - from) * scale }
}
