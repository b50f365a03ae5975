import { describe, expect, it } from 'vitest'
import { verdictOf } from './ledger'

const closed = { produced: 100, stored: 90, held: 6, thinned: 2, quarantined: 1, damaged: 1, lost: 0 }

describe('verdictOf', () => {
  it('closes the books when everything produced has a place', () => {
    expect(verdictOf(closed)).toBe('closed')
  })

  it('says lost as soon as one item is', () => {
    expect(verdictOf({ ...closed, stored: 89, lost: 1 })).toBe('lost')
  })

  it('does not claim closed books while the two sides are read a moment apart', () => {
    expect(verdictOf({ ...closed, stored: 95 })).toBe('settling')
  })

  it('has no opinion before the first report', () => {
    expect(
      verdictOf({ produced: 0, stored: 0, held: 0, thinned: 0, quarantined: 0, damaged: 0, lost: 0 }),
    ).toBe('empty')
  })
})
