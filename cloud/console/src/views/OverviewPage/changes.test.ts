import { describe, expect, it } from 'vitest'
import type { GridRow } from '../../api/types'
import { mergeChanges } from './changes'

const row = (link: string, status: GridRow['status'], since: string | null) =>
  ({ link, status, since }) as GridRow

describe('mergeChanges', () => {
  it('keeps what is known and adds a changed cell in front', () => {
    const first = mergeChanges(
      [],
      [row('s01-wan', 'up', '2026-03-02T08:00:00Z'), row('s02-wan', 'unknown', null)],
      10,
    )
    expect(first.map((change) => change.row.link)).toEqual(['s01-wan'])
    const second = mergeChanges(first, [row('s01-wan', 'down', '2026-03-02T08:05:00Z')], 10)
    expect(second.map((change) => change.row.status)).toEqual(['down', 'up'])
  })

  it('returns the same list when nothing changed, so that nothing is drawn anew', () => {
    const rows = [row('s01-wan', 'up', '2026-03-02T08:00:00Z')]
    const known = mergeChanges([], rows, 10)
    expect(mergeChanges(known, rows, 10)).toBe(known)
  })

  it('forgets the oldest', () => {
    const rows = [row('s01-wan', 'up', '2026-03-02T08:00:00Z'), row('s02-wan', 'up', '2026-03-02T09:00:00Z')]
    expect(mergeChanges([], rows, 1).map((change) => change.row.link)).toEqual(['s02-wan'])
  })
})
