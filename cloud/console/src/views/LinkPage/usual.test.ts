import { expect, test } from 'vitest'
import type { Usual } from '../../api/types'
import { verdictOf, weekShapes } from './usual'

const hour = (at: number, median: number): Usual => ({
  hour: at,
  median_bps: median,
  low_bps: median / 2,
  high_bps: median * 2,
  weeks: 4,
})

test('hours without a usual value part the band', () => {
  const shapes = weekShapes([hour(0, 10), hour(1, 20), null, hour(3, 5)], null, 168, 100)
  expect(shapes.band).toHaveLength(2)
  expect(shapes.median).toHaveLength(2)
  expect(shapes.nowY).toBeNull()
})

test('now is held against its own hour', () => {
  expect(verdictOf(hour(5, 100), 250)).toBe('above')
  expect(verdictOf(hour(5, 100), 150)).toBe('within')
  expect(verdictOf(hour(5, 100), 10)).toBe('below')
  expect(verdictOf(null, 10)).toBe('unknown')
})
