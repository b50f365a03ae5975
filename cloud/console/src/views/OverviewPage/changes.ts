// The latest status changes, read off the grid: a cell whose `since` moved has changed.

import type { GridRow } from '../../api/types'
import { toMs } from '../../format/time'

export interface Change {
  key: string
  row: GridRow
  atMs: number
}

/** Add what changed in `rows` to the changes already known, newest first, at most `limit`. */
export function mergeChanges(known: readonly Change[], rows: readonly GridRow[], limit: number): Change[] {
  const keys = new Set(known.map((change) => change.key))
  const fresh: Change[] = []
  for (const row of rows) {
    const atMs = toMs(row.since)
    const key = `${row.link} ${row.since}`
    if (atMs !== null && !keys.has(key)) fresh.push({ key, row, atMs })
  }
  if (!fresh.length) return known as Change[]
  return [...fresh, ...known].sort((a, b) => b.atMs - a.atMs).slice(0, limit)
}
