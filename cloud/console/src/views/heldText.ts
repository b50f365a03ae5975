import type { AgentRow } from '../api/types'
import { count, MISSING } from '../format/units'

/** Items an agent holds, by its own last word; "none" of an agent that is silent by now is not known. */
export function heldText({ held_items, presence }: Pick<AgentRow, 'held_items' | 'presence'>): string {
  return held_items > 0 || presence === 'online' ? count(held_items) : MISSING
}
