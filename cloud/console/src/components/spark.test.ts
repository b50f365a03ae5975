import { expect, test } from 'vitest'
import { sparkPaths } from './spark'

test('a hole parts the line', () => {
  expect(sparkPaths([1, 2, null, 2, 1], 40, 20, null)).toHaveLength(2)
})

test('a lone value is still drawn, and nothing is nothing', () => {
  expect(sparkPaths([null, 3, null], 40, 20, null)[0]).toMatch(/^M(.+)L\1$/)
  expect(sparkPaths([null, null], 40, 20, null)).toEqual([])
})

test('the upper edge is the limit when the line comes near it', () => {
  expect(sparkPaths([50], 40, 20, 100)).toEqual(['M0.0 10.5L0.0 10.5'])
  expect(sparkPaths([50], 40, 20, 1000)).toEqual(['M0.0 2.0L0.0 2.0'])
})
