import { expect, test } from 'vitest'
import { placeOf, windowOf } from './day'

const period = (from: string, to: string) => ({
  period: 1,
  starts_at: from,
  ends_at: to,
  lessons: 1,
  exams: 0,
})
const day = {
  starts_at: '2026-11-26T16:00:00Z',
  periods: [
    period('2026-11-27T00:00:00Z', '2026-11-27T00:40:00Z'),
    period('2026-11-27T08:00:00Z', '2026-11-27T08:40:00Z'),
  ],
}

test('the strip holds the periods with an hour around them, and now', () => {
  const noon = Date.parse('2026-11-27T04:00:00Z')
  const frame = windowOf(day, noon)
  expect(new Date(frame.fromMs).toISOString()).toBe('2026-11-26T23:00:00.000Z')
  expect(new Date(frame.toMs).toISOString()).toBe('2026-11-27T09:40:00.000Z')
  expect(windowOf(day, noon + 12 * 3_600_000).toMs).toBe(noon + 12 * 3_600_000)
})

test('an outage that began yesterday is cut at the edge, and one of yesterday is not drawn', () => {
  const frame = { fromMs: 1000, toMs: 2000 }
  expect(placeOf(0, 1500, frame)).toEqual({ left: 0, width: 50 })
  expect(placeOf(0, 500, frame)).toBeNull()
})
