// The span of time a link's charts show. Named ranges end now and renew themselves; a custom one stands still.

export const RANGES = ['15m', '1h', '6h', '24h', '7d', 'custom'] as const
export type RangeName = (typeof RANGES)[number]

const SECONDS: Record<Exclude<RangeName, 'custom'>, number> = {
  '15m': 900,
  '1h': 3_600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
}

export interface Span {
  fromMs: number
  toMs: number
}

/** The span to ask for, or null when a custom range makes no sense. */
export function spanOf(
  range: RangeName,
  nowMs: number,
  custom: { from: number | null; to: number | null },
): Span | null {
  if (range !== 'custom') return { fromMs: nowMs - SECONDS[range] * 1000, toMs: nowMs }
  const { from, to } = custom
  return from !== null && to !== null && from < to ? { fromMs: from, toMs: to } : null
}

/** Seconds between renewals: about one new point each; null for a range that stands still. */
export function refreshSeconds(range: RangeName): number | null {
  if (range === 'custom') return null
  return Math.min(300, Math.max(5, SECONDS[range] / 360))
}
