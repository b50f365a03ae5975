// Changes as they are told: newest first, and what lay behind a fault gathered under it, as nobody was told of it alone.

import type { ChangeThen } from '../api/types'

export interface Told {
  key: string
  /** A change of its own; null where this is what lay behind a fault. */
  own: ChangeThen | null
  /** What lay behind one fault at about that time, newest first. */
  suppressed: ChangeThen[]
}

const keyOf = (change: ChangeThen) => `${change.at} ${change.kind} ${change.key}`

/** `changes` come oldest first. A run of changes behind the same fault is one entry, whatever happened elsewhere meanwhile. */
export function grouped(changes: readonly ChangeThen[]): Told[] {
  const told: Told[] = []
  const behind = new Map<string, Told>()
  for (const change of [...changes].reverse()) {
    const root = change.root_key === null ? '' : `${change.root_kind} ${change.root_key}`
    const found = behind.get(root)
    if (!root) told.push({ key: keyOf(change), own: change, suppressed: [] })
    else if (found) found.suppressed.push(change)
    else {
      const entry: Told = { key: `behind ${root} ${keyOf(change)}`, own: null, suppressed: [change] }
      behind.set(root, entry)
      told.push(entry)
    }
  }
  return told
}
