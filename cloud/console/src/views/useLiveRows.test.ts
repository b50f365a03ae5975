import { describe, expect, it } from 'vitest'
import { replaceRows } from './useLiveRows'

describe('replaceRows', () => {
  it('puts fresh rows in the places of the old ones and adds none', () => {
    const rows = [
      { id: 'a', n: 1 },
      { id: 'b', n: 1 },
    ]
    const merged = replaceRows(
      rows,
      [
        { id: 'b', n: 2 },
        { id: 'z', n: 9 },
      ],
      (row) => row.id,
    )
    expect(merged).toEqual([
      { id: 'a', n: 1 },
      { id: 'b', n: 2 },
    ])
    expect(rows[1]?.n).toBe(1)
  })
})
