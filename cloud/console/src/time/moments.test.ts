import { describe, expect, it } from 'vitest'
import { bellFrom, DAY_MS, heights, KEPT_MS, kept, momentOf, textOf, windowOf } from './moments'

const NOON = Date.parse('2026-11-24T12:00:00+08:00')
const NOW = Date.parse('2026-11-27T15:30:00+08:00')

describe('moments of the time machine', () => {
  it('are written to the second and read back', () => {
    expect(textOf(NOON)).toBe('2026-11-24T04:00:00Z')
    expect(momentOf(textOf(NOON))).toBe(NOON)
    expect(momentOf('yesterday')).toBeNull()
    expect(momentOf(undefined)).toBeNull()
  })

  it('lie in a day of the district, today only as far as it has come', () => {
    const whole = windowOf(NOON, NOW, 'day')
    expect([textOf(whole.since), textOf(whole.until)]).toEqual([
      '2026-11-23T16:00:00Z',
      '2026-11-24T16:00:00Z',
    ])
    expect(windowOf(NOW - 1000, NOW, 'day').until).toBe(NOW)
    expect(windowOf(NOON, NOW, 'week').since).toBe(whole.until - 7 * DAY_MS)
  })

  it('never lie beyond what is kept, and what is now is live', () => {
    expect(kept(NOW - 100 * DAY_MS, NOW)).toBe(NOW - KEPT_MS)
    expect(kept(NOW + 1, NOW)).toBeNull()
    expect(windowOf(NOW - 100 * DAY_MS, NOW, 'quarter').since).toBe(NOW - KEPT_MS)
  })
})

describe('from bell to bell', () => {
  const shown = windowOf(NOON, NOW, 'day')
  const bells = [NOON - 60_000, NOON, NOON + 60_000]

  it('goes to the neighbours of a moment', () => {
    expect(bellFrom(NOON, bells, 1, shown)).toBe(NOON + 60_000)
    expect(bellFrom(NOON, bells, -1, shown)).toBe(NOON - 60_000)
  })

  it('leaves the day where no bell is left in it', () => {
    expect(bellFrom(NOON + 60_000, bells, 1, shown)).toBe(shown.until)
    expect(bellFrom(NOON - 60_000, bells, -1, shown)).toBe(shown.since - 1000)
  })
})

it('draws a single change beside a storm', () => {
  expect(heights([0, 1, 10_000])).toEqual([0, 0.08, 1])
})
