// An incident in words: what is at fault, how long it has lasted, what an entry of its timeline says.

import type { IncidentRow, TimelineEntry } from '../../api/types'
import { type Language, span, toMs } from '../../format/time'
import type { Messages } from '../../messages'

export function thingText(kind: IncidentRow['root_kind'], key: string, t: Messages): string {
  return `${t.incidents.things[kind]} ${key}`
}

/** Where the page of a thing is; null when it has none. */
export function pathOf(kind: IncidentRow['root_kind'], key: string): string | null {
  switch (kind) {
    case 'link':
      return `/links/${key}`
    case 'gateway':
      return `/agents/${key}`
    case 'device':
      return `/devices/${key}`
    case 'classroom':
      return `/classrooms/${key}`
    default:
      return null
  }
}

export function lastedSeconds(row: Pick<IncidentRow, 'opened_at' | 'resolved_at'>, nowMs: number): number {
  const from = toMs(row.opened_at) ?? nowMs
  return Math.max(0, ((toMs(row.resolved_at) ?? nowMs) - from) / 1000)
}

export function lastedText(row: IncidentRow, nowMs: number, language: Language): string {
  return span(lastedSeconds(row, nowMs), language)
}

export function reasonText(reason: string, t: Messages): string {
  return t.statusReasons[reason] ?? reason
}

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** What follows the name of an entry. */
export function entryText(entry: TimelineEntry, t: Messages): string {
  const { detail } = entry
  const thing = text(detail.thing)
  const status = text(detail.status)
  const shown = status in t.status ? t.status[status as keyof Messages['status']] : status
  switch (entry.kind) {
    case 'opened':
    case 'reopened':
    case 'reclassified':
    case 'resolved':
      return [shown, reasonText(text(detail.reason), t), text(detail.text)].filter(Boolean).join(' · ')
    case 'attached':
    case 'detached':
      return [thing, shown].filter(Boolean).join(' · ')
    case 'severity':
      return text(detail.severity).toUpperCase()
    case 'assigned':
      return text(detail.assignee) || t.incidents.nobody
    case 'merged':
    case 'split':
      return [
        thing,
        detail.into ? t.incidents.mergedInto(text(detail.into)) : t.incidents.mergedFrom(text(detail.from)),
      ]
        .filter(Boolean)
        .join(' · ')
    default:
      return text(detail.text)
  }
}

/** The values that a rule saw, as labels and texts; empty ones are left out. */
export function evidenceOf(entry: TimelineEntry): { label: string; text: string }[] {
  const evidence = entry.detail.evidence
  if (typeof evidence !== 'object' || evidence === null) return []
  return Object.entries(evidence)
    .filter(([, value]) => value !== null && value !== '')
    .map(([label, value]) => ({ label, text: String(value) }))
}
