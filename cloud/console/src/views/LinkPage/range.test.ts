import { describe, expect, it } from 'vitest'
import { refreshSeconds, spanOf } from './range'

const NOW = 1_000_000_000
const none = { from: null, to: null }

describe('range', () => {
  it('ends a named range now', () => {
    expect(spanOf('15m', NOW, none)).toEqual({ fromMs: NOW - 900_000, toMs: NOW })
  })

  it('takes a custom range as it is, and refuses one that runs backwards or is half given', () => {
    expect(spanOf('custom', NOW, { from: 5, to: 9 })).toEqual({ fromMs: 5, toMs: 9 })
    expect(spanOf('custom', NOW, { from: 9, to: 5 })).toBeNull()
    expect(spanOf('custom', NOW, { from: 9, to: null })).toBeNull()
  })

  it('renews short ranges often, long ones seldom, custom ones never', () => {
    expect(refreshSeconds('15m')).toBe(5)
    expect(refreshSeconds('1h')).toBe(10)
    expect(refreshSeconds('7d')).toBe(300)
    expect(refreshSeconds('custom')).toBeNull()
  })
})
