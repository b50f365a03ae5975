import type { StatusCounts, StatusWord } from '../api/types'

/** Most urgent first: the order of counts, bars, filters and sorting. */
export const STATUS_ORDER: readonly StatusWord[] = [
  'down',
  'degraded',
  'flapping',
  'unreachable',
  'unknown',
  'maintenance',
  'up',
]

export function totalOf(counts: StatusCounts): number {
  return STATUS_ORDER.reduce((sum, status) => sum + counts[status], 0)
}

/** Smaller is more urgent; a status nobody has evaluated sorts with unknown. */
export function urgency(status: StatusWord | null | undefined): number {
  return STATUS_ORDER.indexOf(status ?? 'unknown')
}
