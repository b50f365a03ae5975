import { expect, it } from 'vitest'
import { matches } from './search'

it('finds every word in any of the texts', () => {
  expect(matches('', 's07')).toBe(true)
  expect(matches('S07 桐林', 's07-wan', '桐林小学', null)).toBe(true)
  expect(matches('s07 西山', 's07-wan', '桐林小学')).toBe(false)
})
