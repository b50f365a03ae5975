// The books as the console reads them: produced = stored + held + thinned + quarantined + damaged + lost.

import type { Ledger } from '../api/types'

export const ENTRY_NAMES = ['stored', 'held', 'thinned', 'quarantined', 'damaged', 'lost'] as const
export type EntryName = (typeof ENTRY_NAMES)[number]

export function entriesOf(ledger: Ledger): { name: EntryName; items: number }[] {
  return ENTRY_NAMES.map((name) => ({ name, items: ledger[name] }))
}

/**
 * `lost` when items are unaccounted for, `closed` when both sides agree, `settling` when nothing is lost but the agent's
 * last report and what the cloud has stored since do not meet yet.
 */
export function verdictOf(ledger: Ledger): 'empty' | 'lost' | 'closed' | 'settling' {
  if (ledger.lost > 0) return 'lost'
  if (ledger.produced === 0) return 'empty'
  const placed = entriesOf(ledger).reduce((sum, entry) => sum + entry.items, 0)
  return placed === ledger.produced ? 'closed' : 'settling'
}
