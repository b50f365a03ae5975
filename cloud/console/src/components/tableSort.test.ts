import { describe, expect, it } from 'vitest'
import { sortRows } from './tableSort'

const rows = [
  { id: 's10', bps: 5 },
  { id: 's2', bps: null },
  { id: 's1', bps: 9 },
]
const columns = [
  { key: 'id', title: 'id', sort: (row: (typeof rows)[number]) => row.id },
  { key: 'bps', title: 'bps', sort: (row: (typeof rows)[number]) => row.bps },
]
const ids = (key: string, descending: boolean) =>
  sortRows(rows, columns, key, descending).map((row) => row.id)

describe('sortRows', () => {
  it('keeps the given order without a column to sort by', () => {
    expect(ids('', false)).toEqual(['s10', 's2', 's1'])
    expect(ids('nothing', true)).toEqual(['s10', 's2', 's1'])
  })

  it('sorts ids as people count', () => {
    expect(ids('id', false)).toEqual(['s1', 's2', 's10'])
  })

  it('puts what was not measured last, up or down', () => {
    expect(ids('bps', false)).toEqual(['s10', 's1', 's2'])
    expect(ids('bps', true)).toEqual(['s1', 's10', 's2'])
  })
})
