// Rows of a list kept current by the stream: a message replaces the rows it carries, in their places.

import type { ShallowRef } from 'vue'
import type { AgentRow, LinkRow } from '../api/types'
import { useLive } from '../live/live'

export function replaceRows<Row extends Part, Part extends object>(
  rows: readonly Row[],
  fresh: readonly Part[],
  keyOf: (row: Part) => string,
): Row[] {
  const byKey = new Map(fresh.map((row) => [keyOf(row), row]))
  return rows.map((row) => {
    const found = byKey.get(keyOf(row))
    return found ? { ...row, ...found } : row
  })
}

export function useLiveLinks(data: ShallowRef<{ items: LinkRow[] } | null>): void {
  useLive().on('link', ({ items }) => {
    if (data.value)
      data.value = { ...data.value, items: replaceRows(data.value.items, items, (row) => row.link) }
  })
}

export function useLiveAgents(data: ShallowRef<{ items: AgentRow[] } | null>): void {
  useLive().on('agent', ({ items }) => {
    if (data.value)
      data.value = { ...data.value, items: replaceRows(data.value.items, items, (row) => row.agent) }
  })
}
